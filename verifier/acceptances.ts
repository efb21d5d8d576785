import type { ClockReading } from '@rescind/core'
import { foreignIssuer, type Known } from '@rescind/core/tokens'
import type { CheckResult } from './results.ts'
import type { AcceptedJson, AckAsk, Hello } from './source/transport.ts'
import { SourceFailed } from './source/trouble.ts'

/** Maximum tokens that wait to be reported; what is accepted beyond it is counted as dropped. */
export const WAITING_MAX = 20_000
/** Maximum bytes of a report as JSON; the server takes bodies of 64 KiB. */
const REPORT_MAX_BYTES = 48_000
/** A report is sent again to a server that is back within this time: it may have crashed before it wrote it. */
export const REPEATED_MS = 120_000
/** Handles in one report to a server that takes nothing else. */
const USED_MAX = 1_000
/** Reports that a server may refuse before it gets no more of them. */
const REFUSALS_MAX = 3
const MINUTE_MS = 60_000

/** A known token, and the minute in which its acceptance was last noted. */
export type Noted = Pick<Known, 'facts'> & { acceptedMinute: number }

type Name = Pick<AcceptedJson, 'handle' | 'issuer' | 'jti'>
type Entry = {
  readonly key: string
  readonly name: Name
  /** Only of foreign tokens, whose life the server does not know. By the wall clock. */
  readonly expiresAtMs: number | undefined
  /** Monotonic times. */
  firstMs: number
  lastMs: number
}
type Dropped = { readonly count: number; readonly sinceMs: number }
type Report = { readonly entries: readonly Entry[]; readonly dropped: Dropped | undefined }

/**
 * Collects which tokens were accepted, and words the reports that go with acknowledgements. Each token is noted at most
 * once a minute. A report whose answer is lost is sent again.
 */
export class Acceptances {
  readonly #waiting: Map<string, Entry> = new Map()
  #dropped: Dropped | undefined
  /** Sent, and not answered yet. */
  #out: Report | undefined
  /** Answered recently, oldest first. */
  readonly #delivered: { readonly atMs: number; readonly entries: readonly Entry[] }[] = []
  #deliveredSize = 0
  /** How many tokens a report may name; undefined: the server only takes handles, as `used`. */
  #max: number | undefined
  #refusals = 0
  /** How many acceptances were never reported, because there was no room. */
  dropped = 0

  /** Whether more waits than one report holds. */
  get isBehind(): boolean {
    return this.#waiting.size >= (this.#max ?? USED_MAX)
  }

  /** Notes that a token was accepted, if it was. @returns the same result. */
  noted(seen: Noted, result: CheckResult, at: ClockReading): CheckResult {
    if (result.kind !== 'active') return result
    const minute = Math.floor(at.wallMs / MINUTE_MS)
    if (seen.acceptedMinute === minute) return result
    seen.acceptedMinute = minute
    this.#note(seen.facts, at.monotonicMs)
    return result
  }

  #note({ handle, source, foreign, expiresAtMs }: Noted['facts'], nowMs: number): void {
    const issuer = foreign === undefined ? undefined : foreignIssuer(source)
    const key = handle ?? `${issuer}\0${foreign?.jti}`
    const known = this.#waiting.get(key)
    if (known !== undefined) {
      known.lastMs = nowMs
      return
    }
    const name = handle === undefined ? foreignName(issuer, foreign?.jti) : { handle }
    if (name === undefined || this.#waiting.size >= WAITING_MAX) {
      this.#drop({ count: 1, sinceMs: nowMs })
      this.dropped += 1
      return
    }
    const ends = handle === undefined ? expiresAtMs : undefined
    this.#waiting.set(key, { key, name, expiresAtMs: ends, firstMs: nowMs, lastMs: nowMs })
  }

  /** A server begins to listen: what an earlier one may have lost is reported again. */
  greeted({ acceptedMax }: Pick<Hello, 'acceptedMax'>, nowMs: number): void {
    this.#max = this.#refusals < REFUSALS_MAX ? acceptedMax : undefined
    for (const { atMs, entries } of this.#delivered.splice(0))
      if (nowMs - atMs <= REPEATED_MS) this.#putBack(entries)
    this.#deliveredSize = 0
  }

  /** What goes with the next acknowledgement; call `delivered` or `failed` next. */
  next(sent: ClockReading): Pick<AckAsk, 'accepted' | 'dropped' | 'used'> {
    if (this.#max === undefined) return this.#handlesOnly()
    const taken: Entry[] = []
    const accepted: AcceptedJson[] = []
    let bytes = 0
    for (const entry of this.#waiting.values()) {
      const json = entryJson(entry, sent)
      bytes += Buffer.byteLength(JSON.stringify(json)) + 1
      if (taken.length === this.#max || bytes > REPORT_MAX_BYTES) break
      taken.push(entry)
      accepted.push(json)
    }
    for (const { key } of taken) this.#waiting.delete(key)
    const dropped = this.#dropped
    this.#dropped = undefined
    this.#out = { entries: taken, dropped }
    return dropped === undefined
      ? { accepted }
      : { accepted, dropped: droppedJson(dropped, sent.monotonicMs) }
  }

  /** The last report, with a goodbye: what does not fit into it is dropped, and counted. */
  last(sent: ClockReading): Pick<AckAsk, 'accepted' | 'dropped' | 'used'> {
    if (this.#out !== undefined) this.failed(undefined)
    const report = this.next(sent)
    const left = [...this.#waiting.values()]
    if (report.accepted === undefined || left.length === 0) return report
    const sinceMs = left.reduce((least, { firstMs }) => Math.min(least, firstMs), sent.monotonicMs)
    const all = joined(this.#out?.dropped, { count: left.length, sinceMs })
    this.dropped += left.length
    return { ...report, dropped: droppedJson(all, sent.monotonicMs) }
  }

  delivered(nowMs: number): void {
    const entries = this.#out?.entries ?? []
    this.#out = undefined
    this.#refusals = 0
    if (entries.length > 0) this.#delivered.push({ atMs: nowMs, entries })
    this.#deliveredSize += entries.length
    for (let oldest = this.#delivered[0]; oldest !== undefined; oldest = this.#delivered[0]) {
      if (nowMs - oldest.atMs <= REPEATED_MS && this.#deliveredSize <= WAITING_MAX) return
      this.#delivered.shift()
      this.#deliveredSize -= oldest.entries.length
    }
  }

  /** No answer came, or it was refused; a report that the server calls invalid is dropped, lest no acknowledgement succeed. */
  failed(error: unknown): void {
    const { entries = [], dropped } = this.#out ?? {}
    this.#out = undefined
    if (dropped !== undefined) this.#drop(dropped)
    const isRefused = error instanceof SourceFailed && INVALID.has(error.status ?? 0)
    if (!isRefused || entries.length === 0) {
      this.#putBack(entries)
      return
    }
    this.#refusals += 1
    this.dropped += entries.length
    this.#drop({ count: entries.length, sinceMs: Math.min(...entries.map(({ firstMs }) => firstMs)) })
  }

  #handlesOnly(): Pick<AckAsk, 'used'> {
    const taken: Entry[] = []
    const used: string[] = []
    for (const entry of this.#waiting.values()) {
      if (used.length === USED_MAX) break
      taken.push(entry)
      if (entry.name.handle !== undefined) used.push(entry.name.handle)
    }
    for (const { key } of taken) this.#waiting.delete(key)
    this.#out = { entries: taken, dropped: undefined }
    return used.length === 0 ? {} : { used }
  }

  #putBack(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const known = this.#waiting.get(entry.key)
      if (known === undefined) this.#waiting.set(entry.key, entry)
      else {
        known.firstMs = Math.min(known.firstMs, entry.firstMs)
        known.lastMs = Math.max(known.lastMs, entry.lastMs)
      }
    }
  }

  #drop(dropped: Dropped): void {
    this.#dropped = joined(this.#dropped, dropped)
  }
}

/** Statuses by which a server says that it will never take this body. */
const INVALID: ReadonlySet<number> = new Set([400, 413, 422])

function joined(one: Dropped | undefined, other: Dropped): Dropped {
  if (one === undefined) return other
  return { count: one.count + other.count, sinceMs: Math.min(one.sinceMs, other.sinceMs) }
}

/** @returns undefined for a name that JSON cannot carry. */
function foreignName(issuer: string | undefined, jti: string | undefined): Name | undefined {
  return issuer === undefined || jti?.isWellFormed() !== true ? undefined : { issuer, jti }
}

/** Ages rather than times, because this machine's clock may be wrong. Rounded so that the span never shrinks. */
function entryJson({ name, expiresAtMs, firstMs, lastMs }: Entry, sent: ClockReading): AcceptedJson {
  const first = age(sent.monotonicMs - firstMs, Math.ceil)
  const last = age(sent.monotonicMs - lastMs, Math.floor)
  if (expiresAtMs === undefined) return { ...name, first, last }
  return { ...name, first, last, expires: age(expiresAtMs - sent.wallMs, Math.ceil) }
}

function droppedJson({ count, sinceMs }: Dropped, nowMs: number): { count: number; since: number } {
  return { count, since: age(nowMs - sinceMs, Math.ceil) }
}

function age(ms: number, rounded: (seconds: number) => number): number {
  return Math.max(0, rounded(ms / 1_000))
}
