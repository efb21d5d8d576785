import type { Sink } from '@rescind/authority'

/** What a dialect answers. Streamed bodies are written part by part, with back-pressure. */
export type Answer = {
  readonly status: number
  /** The reason phrase, where a vendor has its own (RFC 9112 §4); absent: the standard one. */
  readonly reason?: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | AsyncIterable<string> | Attached
  /** Aborting this closes the connection, even in the middle of the body. */
  readonly until?: AbortSignal
}

/** An open-ended body: it lasts until the reader leaves. The server calls `attach` once, with the sink to write to. */
export type Attached = { readonly attach: (sink: Sink) => void }

/** A token that the request depends on was revoked before the write. The whole request must be judged again. */
export type Stale = 'stale'

export const JSON_TYPE = 'application/json'

/** Status and JSON body; `headers` add to, or replace, the content type and `no-store`. */
export function jsonAnswer(
  status: number,
  value: unknown,
  headers?: Readonly<Record<string, string>>,
): Answer {
  const all = headers === undefined ? JSON_HEADERS : { ...JSON_HEADERS, ...headers }
  return { status, headers: all, body: JSON.stringify(value) }
}

const JSON_HEADERS: Answer['headers'] = { 'content-type': JSON_TYPE, 'cache-control': 'no-store' }

/** Why the server refuses a request on a dialect's path. Each dialect words these itself. */
export type Refusal =
  /** The request line, a header or the encoding is malformed. */
  | { readonly kind: 'malformed'; readonly detail: string }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'method'; readonly allow: string }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'headers-too-large' }
  | { readonly kind: 'timeout' }
  /**
   * The store cannot answer now: 503 with Retry-After, never a verdict. `advice` says what an operator must do, if that
   * is needed.
   */
  | { readonly kind: 'outage'; readonly advice?: string }
  /** A bug of ours: 500 without details. */
  | { readonly kind: 'bug' }

/** Seconds in the Retry-After of a 503. */
export const RETRY_AFTER_SECONDS = '1'
