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

export type Resumed =
  | { readonly kind: 'go-on'; readonly progress: BulkProgress; readonly isDone: boolean }
  /** The key was used with another request or another body. */
  | { readonly kind: 'differs' }
  /** Another process works on this call. */
  | { readonly kind: 'running' }

export type ResumeAsk = {
  readonly realm: Realm
  /** Identifies the call: its owner and its Idempotency-Key; undefined without the header. */
  readonly name: { readonly owner: string; readonly key: string } | undefined
  readonly question: string
  readonly lines: AsyncIterator<Line>
}

/**
 * The progress of a call. With an Idempotency-Key it is stored beside the log after every commit of the call, with a
 * hash of the finished lines. A call that is sent again continues after them, or gets the same result again.
 */
export class BulkProgress {
  readonly #realm: Realm
  /** Undefined: it is not kept. */
  readonly #kept: KeptUnder | undefined
  readonly #question: string
  readonly #hash: Hash = createHash('sha256')
  #counts: Counts = NO_COUNTS

  private constructor(realm: Realm, kept: KeptUnder | undefined, question: string) {
    this.#realm = realm
    this.#kept = kept
    this.#question = question
  }

  /** For a resumed call: skips the lines that were done before. */
  static async resume({ realm, name, question, lines }: ResumeAsk): Promise<Resumed> {
    const ids =
      name === undefined
        ? []
        : [ENTRIES.idOf(name.owner, name.key), ENTRIES.earlierIdOf(name.owner, name.key)]
    const [id] = ids
    const call = id === undefined ? undefined : await RunningCall.begin(realm, id)
    if (id !== undefined && call === undefined) return { kind: 'running' }
    const kept = id === undefined || call === undefined ? undefined : { id, call }
    const progress = new BulkProgress(realm, kept, question)
    const resumed = await progress.#resume(ids, lines)
    if (resumed.kind !== 'go-on' || resumed.isDone) await progress.end()
    return resumed
  }

  async #resume(ids: readonly string[], lines: AsyncIterator<Line>): Promise<Resumed> {
    const realm = this.#realm
    let kept: Kept | undefined
    for (const id of ids) kept ??= await readKept(realm, id)
    if (kept === undefined) return { kind: 'go-on', progress: this, isDone: false }
    if (kept.question !== this.#question) return { kind: 'differs' }
    for (let at = 0; at < kept.counts.lines; at += 1) {
      const next = await lines.next()
      if (next.done === true) return { kind: 'differs' }
      this.#add(next.value)
    }
    if (this.#digest() !== kept.hash) return { kind: 'differs' }
    if (kept.isDone && (await lines.next()).done !== true) return { kind: 'differs' }
    // Older builds stored fewer kinds of results.
    this.#counts = { ...NO_COUNTS, ...kept.counts }
    return { kind: 'go-on', progress: this, isDone: kept.isDone }
  }

  get counts(): Counts {
    return this.#counts
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
    await this.#kept?.call.end()
  }

  #add(line: Line): void {
    this.#hash.update(line.kind === 'line' ? line.text : '\0').update('\n')
  }

  #digest(): string {
    return this.#hash.copy().digest('base64url')
  }

  async #keep(isDone: boolean): Promise<void> {
    if (this.#kept === undefined) return
    const { id, call } = this.#kept
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
