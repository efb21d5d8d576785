import type { Publication } from '@rescind/authority'
import { type FeedEvent, feedEventJson } from '@rescind/core'
import { sha256 } from '@rescind/core/bytes'
import type { ChainedRow } from '@rescind/core/log'

export type Format = 'sse' | 'ndjson'

/** Reconnection delay of simple clients (WHATWG HTML, server-sent events). */
const RETRY_MS = 2_000

/** The first event of a stream. */
export type Hello = {
  /** Undefined for a plain reader, which is not counted. */
  readonly instance?: string
  readonly position: string
  readonly floor: number
  readonly realm: string
  /** The least time between acknowledgements, so that the server keeps up with all of them. */
  readonly ackEveryMs: number
  /** How many accepted tokens an acknowledgement may name. */
  readonly acceptedMax?: number
}

/** Why a reader is disconnected. For all but `key`, `realm` and `taken-over`, it should return. */
export type ResetWhy = 'position' | 'slow' | 'stopping' | 'full' | 'key' | 'realm' | 'taken-over'

/** Rows of one event, encoded once per format for all readers. */
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

/** Hashes audits with a cache of one: under load most rows of a group have the same audit as the one before. */
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

/** Keeps proxies from closing an idle stream; has no meaning. */
export function pulseText(format: Format): string {
  return format === 'ndjson' ? '\n' : ':\n\n'
}
