import type { Publication } from '@rescind/authority'
import { type FeedEvent, feedEventJson } from '@rescind/core'
import { sha256 } from '@rescind/core/bytes'
import type { ChainedRow } from '@rescind/core/log'

export type Format = 'sse' | 'ndjson'

/** Milliseconds after which a reader without a mind of its own comes back (WHATWG HTML, server-sent events). */
const RETRY_MS = 2_000

/** What a stream begins with. */
export type Hello = {
  /** Undefined for a plain reader, which nobody counts. */
  readonly instance?: string
  readonly position: string
  readonly floor: number
  readonly realm: string
  /** How far apart acknowledgements should be, at least, so that the server keeps up with all. */
  readonly ackEveryMs: number
}

/** Why a reader is cut off. All but `key`, `realm` and `taken-over`: come back. */
export type ResetWhy = 'position' | 'slow' | 'stopping' | 'full' | 'key' | 'realm' | 'taken-over'

/** Rows of one event, encoded once for each format, whoever reads it. */
export class Frame {
  readonly prev: number
  readonly seq: number
  readonly #event: FeedEvent
  readonly #bytes: Map<Format, Buffer> = new Map()
  #json: string | undefined

  constructor(event: FeedEvent) {
    this.#event = event
    this.prev = event.prev
    this.seq = event.prev + event.rows.length
  }

  get position(): string {
    return this.#event.position
  }

  get rows(): number {
    return this.seq - this.prev
  }

  json(): string {
    this.#json ??= feedEventJson(this.#event)
    return this.#json
  }

  bytes(format: Format): Buffer {
    const known = this.#bytes.get(format)
    if (known !== undefined) return known
    const made = Buffer.from(
      format === 'sse'
        ? `id: ${this.#event.position}\nevent: rows\ndata: ${this.json()}\n\n`
        : `{"event":"rows",${this.json().slice(1)}\n`,
    )
    this.#bytes.set(format, made)
    return made
  }
}

/** Under load most rows of a group have the same audit as the one before. */
export function chainedRows({ rows }: Publication): readonly ChainedRow[] {
  let last: { readonly audit: string; readonly hash: Buffer } | undefined
  return rows.map(({ seq, atMs, kind, rule, audit }) => {
    if (last?.audit !== audit) last = { audit, hash: sha256(Buffer.from(audit, 'utf8')) }
    return { seq, atMs, kind, rule, auditHash: last.hash }
  })
}

export function helloText(hello: Hello, format: Format): string {
  const json = JSON.stringify(hello)
  if (format === 'ndjson') return `{"event":"hello",${json.slice(1)}\n`
  return `retry: ${RETRY_MS}\nevent: hello\ndata: ${json}\n\n`
}

export function resetText(why: ResetWhy, format: Format): string {
  return format === 'ndjson'
    ? `{"event":"reset","why":"${why}"}\n`
    : `event: reset\ndata: {"why":"${why}"}\n\n`
}

/** Keeps proxies from ending a stream on which nothing happens; means nothing. */
export function pulseText(format: Format): string {
  return format === 'ndjson' ? '\n' : ':\n\n'
}
