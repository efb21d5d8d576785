import { isOutage } from '@rescind/core'
import { StreamTooLarge } from '../http/read-body.ts'
import { Finder, type Found } from './find.ts'
import type { Line } from './lines.ts'
import type { BulkProgress, LineFinding } from './progress.ts'
import { type BulkAct, CallerRevoked, NOT_OURS, revokeOne } from './revoke-one.ts'
import { Said } from './said.ts'

/**
 * The most that one commit of this call may cost, so that a group has room for other callers' writes. The last line of
 * a batch may exceed it, but never by more than a commit takes.
 */
const BULK_COST_MAX = 192
/** Lines of one call. Their results wait in memory for clients that send everything before they read. */
const BULK_LINES_MAX = 250_000

export type BulkRun = {
  readonly act: BulkAct
  readonly lines: AsyncIterator<Line>
  readonly progress: BulkProgress
  /** Aborted when the client has gone: work under way is finished, and no more is begun. */
  readonly gone: AbortSignal | undefined
  /** Resolves when everything that was revoked is refused everywhere. @throws StoreUnavailable. */
  readonly settled: () => Promise<void>
  readonly ended: () => void
}

/**
 * Works through the lines and reports as NDJSON: a first line, the outcome of each line, progress now and then, and a
 * last line. It does not wait for the reader, because many clients send everything before they read anything.
 */
export function runBulk(run: BulkRun): AsyncIterable<string> {
  const said = new Said()
  const { dryRun, realm } = run.act
  said.say({ dryRun, realm: realm.name, resumedAfter: run.progress.counts.lines })
  void work(run, said)
  return said.texts()
}

/** There are more secrets than are looked for, so results of lines do not prove that they hold none. */
const PARTIAL = { secretsLeftOut: true }

/** Never rejects: the last line reports a failure. */
async function work(run: BulkRun, said: Said): Promise<void> {
  const lastLine = await lastLineOf(run, said)
  // Whoever reads it may send the call again at once.
  await run.progress.end()
  run.ended()
  said.end(lastLine)
}

async function lastLineOf(run: BulkRun, said: Said): Promise<object> {
  const { progress, act } = run
  try {
    const why = await workAll(run, said)
    if (why !== undefined) return { error: why, ...progress.counts }
    await progress.finish()
    return { done: true, ...progress.counts, ...(act.secrets.isPartial ? PARTIAL : {}) }
  } catch (error) {
    return { error: wordsFor(error), ...progress.counts }
  }
}

/** @returns why it did not finish; undefined when it did. */
async function workAll(
  { act, lines, progress, gone, settled }: BulkRun,
  said: Said,
): Promise<string | undefined> {
  const finder = new Finder(act.realm.grammar)
  for (;;) {
    const { batch, ends } = await nextBatch(lines, finder, BULK_LINES_MAX - progress.counts.lines)
    const findings = await Promise.all(batch.map(({ found }) => findingsOf(act, found)))
    const before = progress.counts.lines
    await progress.done(
      batch.map(({ line }) => line),
      findings.flat(),
    )
    await settled()
    for (const [at, { line }] of batch.entries())
      sayLine(said, { nth: before + at + 1, line, findings: findings[at] ?? [] })
    if (batch.length > 0) said.say({ progress: progress.counts })
    if (ends === 'body') return undefined
    if (ends === 'room') return `a call takes ${BULK_LINES_MAX} lines; send the rest in another one`
    if (gone?.aborted === true) return 'whoever asked has gone'
    // Lines that need no store would otherwise block the event loop.
    await new Promise<void>((turn) => {
      setImmediate(turn)
    })
  }
}

/**
 * The results of all candidates in a line; wrong guesses are left out. A line that was not fully examined never looks
 * clean.
 */
async function findingsOf(act: BulkAct, found: Found | undefined): Promise<readonly LineFinding[]> {
  if (found === undefined || found.candidates.length === 0) return []
  const { candidates, isMore, isUnreadable } = found
  const findings = await Promise.all(candidates.map((one) => revokeOne(act, one)))
  const told = findings.filter(
    ({ result }, at) => candidates[at]?.isGuess !== true || (result !== 'notOurs' && result !== 'unknown'),
  )
  if (isMore) return [...told, { result: 'tooMany' }]
  if (told.length > 0) return told
  return [isUnreadable ? { result: 'unreadable' } : NOT_OURS]
}

type Work = { readonly line: Line; readonly found: Found | undefined }
type Batch = { readonly batch: readonly Work[]; readonly ends: 'body' | 'room' | undefined }

async function nextBatch(lines: AsyncIterator<Line>, finder: Finder, room: number): Promise<Batch> {
  const batch: Work[] = []
  for (let cost = 0; cost < BULK_COST_MAX; ) {
    const next = await lines.next()
    if (next.done === true) return { batch, ends: 'body' }
    if (batch.length >= room) return { batch, ends: 'room' }
    const line = next.value
    const found = line.kind === 'line' ? finder.findIn(line.text, line.wrapped) : undefined
    batch.push({ line, found })
    // A line without candidates costs only its turn; guesses are seldom right.
    cost += Math.max(1, costOf(found))
  }
  return { batch, ends: undefined }
}

const GUESSES_PER_COST = 64

function costOf(found: Found | undefined): number {
  const { candidates = [] } = found ?? {}
  const guesses = candidates.filter(({ isGuess }) => isGuess === true).length
  return candidates.length - guesses + Math.floor(guesses / GUESSES_PER_COST)
}

type LineSaid = { readonly nth: number; readonly line: Line; readonly findings: readonly LineFinding[] }

function sayLine(said: Said, { nth, line, findings }: LineSaid): void {
  if (line.kind === 'too-long') said.say({ line: nth, result: 'tooLong' })
  for (const finding of findings) said.say({ line: nth, ...finding })
}

function wordsFor(error: unknown): string {
  if (error instanceof StreamTooLarge) return 'the body is too large; send the rest in another call'
  if (error instanceof CallerRevoked) return 'this key was revoked'
  if (isOutage(error)) return 'the store is away; send it again with the same Idempotency-Key to go on'
  return 'the server failed, or the body broke off'
}
