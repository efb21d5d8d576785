/** What a dialect answers. A body that is not whole yet is written as it comes, with back-pressure. */
export type Answer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | AsyncIterable<string>
  /** When this is aborted the connection is cut, whatever of the body is still on its way. */
  readonly until?: AbortSignal
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
  /** The store cannot answer now: 503 with Retry-After, never a verdict. */
  | { readonly kind: 'outage' }
  /** A bug of ours: 500, and nothing about it. */
  | { readonly kind: 'bug' }

/** Seconds after which a caller who got 503 may come back. */
export const RETRY_AFTER_SECONDS = '1'
