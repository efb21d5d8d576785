import { type Admission, admit, type Demand } from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import { type Active, type CheckOptions, type CheckResult, isOnStale } from '../results.ts'

/** What a guard needs of a verifier. */
export type Judge = {
  readonly verify: (token: string, options?: CheckOptions) => Promise<CheckResult>
}

export type GuardOptions = CheckOptions & {
  /**
   * This service's names in tokens (RFC 8707, RFC 9068 §4): a token that names audiences must name one of these. `'any'`
   * accepts tokens for all audiences, and must be written out.
   */
  readonly audience: string | readonly string[]
  /** Also accept tokens that name no audience. `audience: 'any'` implies it. */
  readonly withoutAudience?: boolean
  /**
   * For tokens bound to a key (`cnf`): `refuse` them, because a guard sees no proof of possession, or admit them and `report`
   * the binding in `auth.cnf`, for a service that demands the proof itself. Default: `refuse`.
   */
  readonly constraint?: 'refuse' | 'report'
  /** Scopes that a token must have, all of them. */
  readonly scopes?: readonly string[]
  /** Sources whose tokens are accepted; absent: all. */
  readonly sources?: readonly string[]
  /** The `realm` parameter of the challenge. */
  readonly realm?: string
}

/** The answer to a request that is not let in (RFC 6750 §3), as JSON. */
export type Denial = {
  readonly status: 400 | 401 | 403 | 503
  readonly headers: Readonly<Record<string, string>>
  readonly body: { readonly error?: string; readonly error_description?: string }
}

export type Decision =
  | { readonly kind: 'pass'; readonly auth: Active }
  | { readonly kind: 'deny'; readonly denial: Denial }

/** The scheme, spaces, and one word: RFC 6750 §2.1, and every text that a chat customer can assign. */
const BEARER = /^Bearer +([\x21-\x7e]+) *$/i
const RETRY_AFTER_SECONDS = '1'

/**
 * Decides about a request by its Authorization header. Without credentials the challenge names no error (§3.1). A token that
 * is over gets 401, one with too little scope 403, and 503 if no verdict is possible now.
 */
export async function decide(
  judge: Judge,
  authorization: string | readonly string[] | undefined,
  options: GuardOptions,
): Promise<Decision> {
  const demand = demandOf(options)
  if (Array.isArray(authorization) && authorization.length > 1)
    return deny(options, 400, 'invalid_request', 'there is more than one Authorization header')
  const header = typeof authorization === 'string' ? authorization : authorization?.[0]
  if (header === undefined || !/^Bearer(?: |$)/i.test(header)) return deny(options, 401)
  const token = BEARER.exec(header)?.[1]
  if (token === undefined) return deny(options, 400, 'invalid_request', 'the bearer token is malformed')
  const result = await judge.verify(token, options.onStale === undefined ? {} : { onStale: options.onStale })
  switch (result.kind) {
    case 'active':
      return decided(admit({ ...result, kind: result.tokenKind }, demand), result, options)
    case 'inactive':
      return deny(options, 401, 'invalid_token', 'the token is not valid, or no longer valid')
    case 'unknown':
      return unavailable()
    default:
      return unavailable()
  }
}

/**
 * What a guard demands of a token.
 * @throws TypeError without an audience, because such a guard would accept tokens for every other service; and for options of
 * a wrong type, because JavaScript would, for example, treat a string like a list.
 */
export function demandOf(options: GuardOptions): Demand {
  const { audience, withoutAudience, constraint, scopes, sources, onStale, realm } = options
  const names = typeof audience === 'string' ? [audience] : audience
  if (
    !Array.isArray(names) ||
    names.length === 0 ||
    !names.every((one) => typeof one === 'string' && one !== '')
  )
    throw new TypeError(
      "audience: give this service's names in tokens, or 'any' to accept tokens for all audiences",
    )
  for (const [option, list] of Object.entries({ scopes, sources }))
    if (list !== undefined && !isTexts(list)) throw new TypeError(`${option}: must be a list of strings`)
  if (constraint !== undefined && constraint !== 'refuse' && constraint !== 'report')
    throw new TypeError("constraint: must be 'refuse' or 'report'")
  if (onStale !== undefined && !isOnStale(onStale))
    throw new TypeError("onStale: must be 'refuse', 'ask' or 'allow'")
  if (withoutAudience !== undefined && typeof withoutAudience !== 'boolean')
    throw new TypeError('withoutAudience: must be true or false')
  if (realm !== undefined && typeof realm !== 'string') throw new TypeError('realm: must be a string')
  return defined({
    audience: audience === 'any' ? 'any' : names,
    withoutAudience,
    constraint: constraint ?? 'refuse',
    scopes,
    sources,
  })
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

function decided(admission: Admission, auth: Active, options: GuardOptions): Decision {
  switch (admission.kind) {
    case 'admitted':
      return { kind: 'pass', auth }
    case 'insufficient':
      return deny(options, 403, 'insufficient_scope', 'the token lacks a required scope')
    case 'refused':
      return deny(options, 401, 'invalid_token', 'the token is not valid here')
  }
}

type Wording = [status: Denial['status'], error?: string, description?: string]

function deny(
  { realm = 'api', scopes }: Pick<GuardOptions, 'realm' | 'scopes'>,
  ...[status, error, description]: Wording
): Decision {
  const parts = [`realm="${quoted(realm)}"`]
  if (error !== undefined) parts.push(`error="${error}"`)
  if (description !== undefined) parts.push(`error_description="${description}"`)
  if (error === 'insufficient_scope' && scopes !== undefined)
    parts.push(`scope="${quoted(scopes.join(' '))}"`)
  const headers = { 'www-authenticate': `Bearer ${parts.join(', ')}`, 'cache-control': 'no-store' }
  const body = defined({ error, error_description: description })
  return { kind: 'deny', denial: { status, headers, body } }
}

/** No verdict is possible now. That is not the token's fault, so there is no challenge. */
function unavailable(): Decision {
  const headers = { 'retry-after': RETRY_AFTER_SECONDS, 'cache-control': 'no-store' }
  const body = { error: 'temporarily_unavailable', error_description: 'the token cannot be judged now' }
  return { kind: 'deny', denial: { status: 503, headers, body } }
}

function quoted(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')
}
