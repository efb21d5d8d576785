import { createHash, type Hash } from 'node:crypto'
import { EXPIRING_KINDS, type Realm, readObject, readValue, shaped } from '@rescind/authority'
import { BoundedEntries } from '../machine/bounded-entries.ts'
import { RunningCall } from '../machine/running-calls.ts'
import type { Line } from './lines.ts'
import type { Finding } from './revoke-one.ts'

/** How long an interrupted call can be continued. */
const RESUME_MS = 86_400_000
const KIND = EXPIRING_KINDS.bulkProgress
/** Calls per key and realm whose progress is kept; more evict the oldest early. */
const CALLS_MAX = 1_000
const BYTES_MAX = 4_194_304
const ENTRIES = new BoundedEntries({ kind: KIND, countMax: CALLS_MAX, bytesMax: BYTES_MAX })

/** The result of a line: of a text in it, or of the line itself. */
export type LineFinding = Finding | { readonly result: 'tooMany' | 'unreadable' }

export type Counts = Readonly<Record<LineFinding['result'] | 'tooLong', number>> & { readonly lines: number }

const NO_COUNTS: Counts = {
  lines: 0,
  revoked: 0,
  wouldRevoke: 0,
  already: 0,
  unknown: 0,
  otherRealm: 0,
  credential: 0,
  notOurs: 0,
  tooMany: 0,
  unreadable: 0,
  tooLong: 0,
}

type Kept = {
  /** Identifies the request; the same key with another one is refused. */
  readonly question: string
  /** Hash of the finished lines. */
  readonly hash: string
  readonly counts: Counts
  readonly isDone: boolean
}

const IS_KEPT = shaped({ question: 'text', hash: 'text', counts: 'members', isDone: 'flag' })

type KeptUnder = { readonly id: string; readonly call: RunningCall }

/** A call by its owner and its Idempotency-Key. */
export type CallName = { readonly owner: string; readonly key: string }

/** The public id of a call; its receipts have it as their cause. */
export function bulkIdOf({ owner, key }: CallName): string {
  return PREFIX + ENTRIES.idOf(owner, key)
}

const PREFIX = 'blk_'

export type Resumed =
  | { readonly kind: 'go-on'; readonly progress: BulkProgress }
  /** The key was used with another request. */
  | { readonly kind: 'differs' }
  /** Another process works on this call. */
  | { readonly kind: 'running' }

export type ResumeAsk = {
  readonly realm: Realm
  /** Undefined without an Idempotency-Key. */
  readonly name: CallName | undefined
  readonly question: Question
}

/** What is asked of a body; the same key with another question is refused. */
export type Question = {
  readonly dryRun: boolean
  readonly reason: string | undefined
  readonly note: string | undefined
}

function questionText({ dryRun, reason, note }: Question): string {
  return JSON.stringify([dryRun, reason, note])
}

/**
 * The progress of a call. With an Idempotency-Key it is stored beside the log before the first line and after every commit
 * of the call, with a hash of the finished lines. A call that is sent again passes over these lines, which changes nothing,
 * and goes on after them once their hash has proved that the body is the same.
 */
export class BulkProgress {
  readonly #realm: Realm
  /** Undefined: it is not kept. */
  readonly #under: KeptUnder | undefined
  readonly #question: string
  readonly #hash: Hash = createHash('sha256')
  /** How far earlier attempts came; undefined: there was none. */
  readonly #before: Kept | undefined
  #counts: Counts

  private constructor(realm: Realm, { under, question, before }: Beginning) {
    this.#realm = realm
    this.#under = under
    this.#question = question
    this.#before = before
    // Older builds stored fewer kinds of results.
    this.#counts = { ...NO_COUNTS, ...before?.counts }
  }

  static async resume({ realm, name, question }: ResumeAsk): Promise<Resumed> {
    const text = questionText(question)
    const nothing = { under: undefined, question: text, before: undefined }
    if (name === undefined) return { kind: 'go-on', progress: new BulkProgress(realm, nothing) }
    const id = ENTRIES.idOf(name.owner, name.key)
    const call = await RunningCall.begin(realm, id)
    if (call === undefined) return { kind: 'running' }
    const before =
      (await readKept(realm, id)) ?? (await readKept(realm, ENTRIES.earlierIdOf(name.owner, name.key)))
    const progress = new BulkProgress(realm, { under: { id, call }, question: text, before })
    if (before !== undefined && before.question !== text) {
      await progress.end()
      return { kind: 'differs' }
    }
    if (before === undefined) await progress.#keep(false)
    return { kind: 'go-on', progress }
  }

  get counts(): Counts {
    return this.#counts
  }

  /** Lines that earlier attempts have finished. */
  get linesBefore(): number {
    return this.#before?.counts.lines ?? 0
  }

  get isAgain(): boolean {
    return this.#before !== undefined
  }

  /** Whether an earlier attempt has finished the call. */
  get wasDone(): boolean {
    return this.#before?.isDone === true
  }

  /** Passes over lines that an earlier attempt has finished. */
  pass(lines: readonly Line[]): void {
    for (const line of lines) this.#add(line)
  }

  /** Whether the lines that were passed over are those of the earlier attempt. */
  get isSameBody(): boolean {
    return this.#before === undefined || this.#digest() === this.#before.hash
  }

  /** Records that these lines are done and their results durable. */
  async done(lines: readonly Line[], findings: readonly LineFinding[]): Promise<void> {
    const counts = { ...this.#counts, lines: this.#counts.lines + lines.length }
    for (const line of lines) {
      this.#add(line)
      if (line.kind === 'too-long') counts.tooLong += 1
    }
    for (const { result } of findings) counts[result] += 1
    this.#counts = counts
    await this.#keep(false)
  }

  async finish(): Promise<void> {
    await this.#keep(true)
  }

  /** Nobody works on this call any more. */
  async end(): Promise<void> {
    await this.#under?.call.end()
  }

  #add(line: Line): void {
    this.#hash.update(line.kind === 'line' ? line.text : '\0').update('\n')
  }

  #digest(): string {
    return this.#hash.copy().digest('base64url')
  }

  async #keep(isDone: boolean): Promise<void> {
    if (this.#under === undefined) return
    const { id, call } = this.#under
    const kept: Kept = { question: this.#question, hash: this.#digest(), counts: this.#counts, isDone }
    const operations = await ENTRIES.put(this.#realm, {
      id,
      value: Buffer.from(JSON.stringify(kept), 'utf8'),
      expiresAtMs: this.#realm.nowMs() + RESUME_MS,
    })
    // If another process has taken the call over, its progress counts.
    await call.goOnWith(operations)
  }
}

type Beginning = {
  readonly under: KeptUnder | undefined
  readonly question: string
  readonly before: Kept | undefined
}

export type BulkStatus = Question & {
  readonly id: string
  readonly counts: Counts
  readonly isDone: boolean
  readonly isRunningElsewhere: boolean
  readonly resumeUntilMs: number
}

/** A call by its id, for a day after its last progress. @returns undefined when there is none, or no longer. */
export async function bulkStatus(realm: Realm, bulkId: string): Promise<BulkStatus | undefined> {
  const id = bulkId.startsWith(PREFIX) ? bulkId.slice(PREFIX.length) : ''
  const entry = await realm.store.expiring(realm.ordinal, { kind: KIND, id })
  const kept = await readKept(realm, id)
  if (entry === undefined || kept === undefined) return undefined
  const [dryRun, reason, note] = JSON.parse(kept.question) as [boolean, string | null, string | null]
  return {
    ...{ id: bulkId, dryRun, reason: reason ?? undefined, note: note ?? undefined },
    counts: { ...NO_COUNTS, ...kept.counts },
    isDone: kept.isDone,
    isRunningElsewhere: await RunningCall.isRunning(realm, id),
    resumeUntilMs: entry.expiresAtMs,
  }
}

async function readKept(realm: Realm, id: string): Promise<Kept | undefined> {
  const entry = await realm.store.expiring(realm.ordinal, { kind: KIND, id })
  if (entry === undefined || entry.expiresAtMs <= realm.nowMs()) return undefined
  return readValue<Kept>(entry.value, `${KIND}/${id}`, IS_KEPT)
}

/** Calls that are looked at; with more, the count is a lower bound. */
const COUNTED_MAX = 200

/** Calls with an Idempotency-Key that have not come to their end, whichever node runs them: running, or broken off within a day. */
export async function unfinishedCalls(
  realm: Realm,
): Promise<{ readonly count: number; readonly complete: boolean }> {
  const ask = { kind: KIND, after: undefined, limit: COUNTED_MAX }
  const { entries, next } = await realm.store.expiringPage(realm.ordinal, ask)
  const alive = entries.filter(({ expiresAtMs }) => expiresAtMs > realm.nowMs())
  const count = alive.filter(({ value }) => readObject(value)?.['isDone'] !== true).length
  return { count, complete: next === undefined }
}
