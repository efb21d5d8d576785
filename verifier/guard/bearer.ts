import type { Active, CheckOptions, CheckResult } from '../results.ts'

/** What a guard needs of a verifier. */
export type Judge = {
  readonly verify: (token: string, options?: CheckOptions) => Promise<CheckResult>
}

export type GuardOptions = CheckOptions & {
  /** Scopes that a token must have, all of them. */
  readonly scopes?: readonly string[]
  /** Sources whose tokens are let in; all when it is absent. */
  readonly sources?: readonly string[]
  /** What the challenge calls what is protected. */
  readonly realm?: string
}

/** What is answered instead of the protected thing (RFC 6750 §3), as JSON. */
export type Denial = {
  readonly status: 400 | 401 | 403 | 503
  readonly headers: Readonly<Record<string, string>>
  readonly body: { readonly error?: string; readonly error_description?: string }
}

export type Decision =
  | { readonly kind: 'pass'; readonly auth: Active }
  | { readonly kind: 'deny'; readonly denial: Denial }

/** RFC 6750 §2.1: b64token. */
const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i
const RETRY_AFTER_SECONDS = '1'

/**
 * Decides about one request by its Authorization header. Without credentials the challenge names no error (§3.1); a
 * token that is over is 401, one with too little scope 403, and one about which nobody can say anything now 503.
 */
export async function decide(
  judge: Judge,
  authorization: string | undefined,
  options: GuardOptions = {},
): Promise<Decision> {
  if (authorization === undefined || !/^Bearer(?: |$)/i.test(authorization)) return deny(options, 401)
  const token = BEARER.exec(authorization)?.[1]
  if (token === undefined) return deny(options, 400, 'invalid_request', 'the bearer token is malformed')
  const result = await judge.verify(token, options.onStale === undefined ? {} : { onStale: options.onStale })
  switch (result.kind) {
    case 'active':
      return admitted(result, options)
    case 'inactive':
      return deny(options, 401, 'invalid_token', 'the token is not valid, or not any more')
    case 'unknown':
      return unavailable()
  }
}

function admitted(auth: Active, options: GuardOptions): Decision {
  if (options.sources !== undefined && !options.sources.includes(auth.source))
    return deny(options, 401, 'invalid_token', 'the token is not valid here')
  const isMissing = (options.scopes ?? []).some((scope) => !auth.scopes.includes(scope))
  return isMissing
    ? deny(options, 403, 'insufficient_scope', 'the token does not reach this far')
    : { kind: 'pass', auth }
}

type Wording = [status: Denial['status'], error?: string, description?: string]

function deny({ realm = 'api', scopes }: GuardOptions, ...[status, error, description]: Wording): Decision {
  const parts = [`realm="${quoted(realm)}"`]
  if (error !== undefined) parts.push(`error="${error}"`)
  if (description !== undefined) parts.push(`error_description="${description}"`)
  if (error === 'insufficient_scope' && scopes !== undefined)
    parts.push(`scope="${quoted(scopes.join(' '))}"`)
  const headers = { 'www-authenticate': `Bearer ${parts.join(', ')}`, 'cache-control': 'no-store' }
  const body = {
    ...(error === undefined ? {} : { error }),
    ...(description === undefined ? {} : { error_description: description }),
  }
  return { kind: 'deny', denial: { status, headers, body } }
}

/** Nobody can say now: no fault of the token, so no challenge. */
function unavailable(): Decision {
  const headers = { 'retry-after': RETRY_AFTER_SECONDS, 'cache-control': 'no-store' }
  const body = { error: 'temporarily_unavailable', error_description: 'the token cannot be judged now' }
  return { kind: 'deny', denial: { status: 503, headers, body } }
}

function quoted(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')
}
