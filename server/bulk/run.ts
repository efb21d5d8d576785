import { isOutage } from '@rescind/core'
import type { Target } from '@rescind/core/log'
import { StreamTooLarge } from '../http/read-body.ts'
import { nextTurn } from '../machine/turns.ts'
import { Finder, type Found } from './find.ts'
import type { Line } from './lines.ts'
import { Outcomes } from './outcomes.ts'
import type { BulkProgress, LineFinding } from './progress.ts'
import { type BulkAct, CallerRevoked, type Judged, NOT_OURS, revokeOne } from './revoke-one.ts'
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
  /** The id of the call, if it has one. */
  readonly bulk: string | undefined
  /** The last line that the caller has a report of. */
  readonly reportAfter: number
  /** What earlier attempts of this call have ended. */
  readonly ended: AsyncIterable<Target>
  /** Aborted when the client has gone: work under way is finished, and no more is begun. */
  readonly gone: AbortSignal | undefined
  /** Resolves when everything that was revoked is refused everywhere. @throws StoreUnavailable. */
  readonly settled: () => Promise<void>
  /** Nobody works on the call any more. */
  readonly onEnd: () => void
}

/** A call under way: what it says, and how it words what it finds. */
type Work = BulkRun & { readonly said: Said; readonly outcomes: Outcomes }

/** `false`: the body is another one than that of the earlier attempt. */
export type BulkAnswer = { readonly body: AsyncIterable<string>; readonly isReplay: boolean } | false

/** Of a call that goes on: finished lines up to this many are passed over before the answer begins. */
const PASSED_FIRST_MAX = 10_000

/**
 * Works through the lines and reports as NDJSON: a first line, the outcome of each line, progress now and then, and a
 * last line. It does not wait for the reader, because many clients send everything before they read anything. Lines that
 * an earlier attempt has finished are reported again, and before anything is written: only then is it known that the body
 * is the same. If there are many of them, the answer begins before that, so that no proxy takes it for lost.
 */
export async function runBulk(run: BulkRun): Promise<BulkAnswer> {
  const work = { ...run, said: new Said(), outcomes: new Outcomes(run.act.dryRun) }
  const { act, bulk, progress, said } = work
  said.say({ dryRun: act.dryRun, realm: act.realm.name, bulk, resumedAfter: progress.linesBefore })
  const isLong = progress.linesBefore > PASSED_FIRST_MAX
  const passed = isLong ? undefined : await passOver(work)
  if (passed === 'differs') return false
  void goOn(work, passed)
  return { body: said.texts(), isReplay: progress.wasDone }
}

/** There are more secrets than are looked for, so results of lines do not prove that they hold none. */
const PARTIAL = { secretsLeftOut: true }

/** How passing over the finished lines went. */
type Passed = 'same' | 'differs' | 'gone'

/** Never rejects: the last line reports a failure. */
async function goOn(work: Work, passed: Passed | undefined): Promise<void> {
  const lastLine = await lastLineOf(work, passed)
  // Whoever reads it may send the call again at once.
  await work.progress.end()
  work.onEnd()
  work.said.end(lastLine)
}

async function lastLineOf(work: Work, passed: Passed | undefined): Promise<object> {
  const { progress, act } = work
  try {
    const why = await whyUnfinished(work, passed ?? (await passOver(work)))
    if (why !== undefined) return { error: why, ...progress.counts }
    if (!progress.wasDone) await progress.finish()
    return { done: true, ...progress.counts, ...(act.secrets.isPartial ? PARTIAL : {}) }
  } catch (error) {
    return { error: wordsFor(error), ...progress.counts }
  }
}

const GONE = 'whoever asked has gone'
const DIFFERS = 'this Idempotency-Key belongs to another body; nothing was written'

/** @returns undefined when every line is finished. */
async function whyUnfinished(work: Work, passed: Passed): Promise<string | undefined> {
  if (passed === 'differs') return DIFFERS
  if (passed === 'gone') return GONE
  return work.progress.wasDone ? undefined : workAll(work)
}

/** Reports the lines that earlier attempts have finished; writes nothing. */
async function passOver(work: Work): Promise<Passed> {
  const { act, lines, progress, gone } = work
  if (!progress.isAgain) return 'same'
  await work.outcomes.readEnded(work.ended)
  const finder = new Finder(act.realm.grammar)
  for (let passed = 0; passed < progress.linesBefore; ) {
    const { batch } = await nextBatch(lines, { finder, room: progress.linesBefore - passed })
    if (batch.length === 0) return 'differs'
    if (gone?.aborted === true) return 'gone'
    const judged = await Promise.all(batch.map(({ found }) => judgedIn({ ...act, dryRun: true }, found)))
    progress.pass(batch.map(({ line }) => line))
    for (const [at, { line }] of batch.entries()) {
      const findings = worded(work, judged[at] ?? []).map((one) => (act.dryRun ? one : asDone(one)))
      sayLine(work, { nth: passed + at + 1, line, findings })
    }
    passed += batch.length
    await nextTurn()
  }
  const isSame = progress.isSameBody && (!progress.wasDone || (await lines.next()).done === true)
  return isSame ? 'same' : 'differs'
}

/** A line that was finished is not acted on again, though its token has become known since. */
function asDone(finding: LineFinding): LineFinding {
  if (finding.result !== 'wouldRevoke') return finding
  return { ...finding, result: 'unknown', why: SINCE_THEN }
}

const SINCE_THEN =
  'it was not known when this line was finished, and is live now; send it again with another Idempotency-Key'

const NO_ROOM = `a call takes ${BULK_LINES_MAX} lines; send the rest in another one`

/** @returns why it did not finish; undefined when it did. */
async function workAll(work: Work): Promise<string | undefined> {
  const { act, lines, progress, gone, settled, said } = work
  const finder = new Finder(act.realm.grammar)
  for (;;) {
    const room = BULK_LINES_MAX - progress.counts.lines
    const { batch, ends } = await nextBatch(lines, { finder, room })
    const judged = await Promise.all(batch.map(({ found }) => judgedIn(act, found)))
    const findings = judged.map((one) => worded(work, one))
    const before = progress.counts.lines
    await progress.done(
      batch.map(({ line }) => line),
      findings.flat(),
    )
    await settled()
    for (const [at, { line }] of batch.entries())
      sayLine(work, { nth: before + at + 1, line, findings: findings[at] ?? [] })
    if (batch.length > 0) said.say({ progress: progress.counts })
    if (ends === 'body') return undefined
    if (room <= batch.length) return (await lines.next()).done === true ? undefined : NO_ROOM
    if (gone?.aborted === true) return GONE
    // Lines that need no store would otherwise block the event loop.
    await nextTurn()
  }
}

/** A candidate, or what is to be said of the line itself. */
type LineJudged = Judged | { readonly line: 'tooMany' | 'unreadable' }

/**
 * The results of all candidates in a line; wrong guesses are left out. A line that was not fully examined never looks
 * clean.
 */
async function judgedIn(act: BulkAct, found: Found | undefined): Promise<readonly LineJudged[]> {
  if (found === undefined || found.candidates.length === 0) return []
  const { candidates, isMore, isUnreadable } = found
  const judged = await Promise.all(candidates.map((one) => revokeOne(act, one)))
  const told = judged.filter(
    ({ finding: { result } }, at) =>
      candidates[at]?.isGuess !== true || (result !== 'notOurs' && result !== 'unknown'),
  )
  if (isMore) return [...told, { line: 'tooMany' }]
  if (told.length > 0) return told
  return [isUnreadable ? { line: 'unreadable' } : { finding: NOT_OURS }]
}

function worded({ outcomes }: Work, judged: readonly LineJudged[]): readonly LineFinding[] {
  return judged.map((one) => ('line' in one ? { result: one.line } : outcomes.of(one)))
}

type Piece = { readonly line: Line; readonly found: Found | undefined }
type Batch = { readonly batch: readonly Piece[]; readonly ends: 'body' | undefined }
type Taking = {
  readonly finder: Finder
  /** The most lines. */
  readonly room: number
}

async function nextBatch(lines: AsyncIterator<Line>, { finder, room }: Taking): Promise<Batch> {
  const batch: Piece[] = []
  for (let cost = 0; cost < BULK_COST_MAX && batch.length < room; ) {
    const next = await lines.next()
    if (next.done === true) return { batch, ends: 'body' }
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

function sayLine({ said, reportAfter }: Work, { nth, line, findings }: LineSaid): void {
  if (nth <= reportAfter) return
  if (line.kind === 'too-long') said.say({ line: nth, result: 'tooLong' })
  for (const finding of findings) said.say({ line: nth, ...finding })
}

function wordsFor(error: unknown): string {
  if (error instanceof StreamTooLarge) return 'the body is too large; send the rest in another call'
  if (error instanceof CallerRevoked) return 'this key was revoked'
  if (isOutage(error)) return 'the store is away; send it again with the same Idempotency-Key to go on'
  return 'the server failed, or the body broke off'
}
