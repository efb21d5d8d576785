/** What a dialect answers. A body that is not whole yet is written as it comes, with back-pressure. */
export type Answer = {
  readonly status: number
  /** The words behind the status where a vendor has its own (RFC 9112 §4); absent: the usual ones. */
  readonly reason?: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | AsyncIterable<string> | Attached
  /** When this is aborted the connection is disconnected, whatever of the body is still on its way. */
  readonly until?: AbortSignal
}

/** A body that goes on for as long as its reader stays, written by whoever has something to say. */
export type Attached = { readonly attach: (sink: Sink) => void }

/** Where such a body goes. It takes whatever is written; how much waits in it is for the writer to heed. */
export type Sink = {
  readonly write: (chunk: string | Uint8Array) => void
  /** Bytes that were written and that the reader has not taken yet. */
  readonly pendingBytes: () => number
  /** Resolves when nothing much is pending any more, or nobody is there. */
  readonly drained: () => Promise<void>
  /** Sends what is pending, if the reader takes it within this time, and ends. */
  readonly end: (withinMs: number) => void
  readonly onClose: (listener: () => void) => void
}

/** What was judged was revoked before it was written: the whole request has to be judged again. */
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

/** Why a request is refused before, beside or after a dialect's own meaning; each dialect has its own words for it. */
export type Refusal =
  /** The request line, a header or the encoding is broken. */
  | { readonly kind: 'malformed'; readonly detail: string }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'method'; readonly allow: string }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'headers-too-large' }
  | { readonly kind: 'timeout' }
  /** The store cannot answer now: 503 with Retry-After, never a verdict. `advice`: it lasts until an operator does this. */
  | { readonly kind: 'outage'; readonly advice?: string }
  /** A bug of ours: 500, and nothing about it. */
  | { readonly kind: 'bug' }

/** Seconds after which a caller who got 503 may come back. */
export const RETRY_AFTER_SECONDS = '1'
