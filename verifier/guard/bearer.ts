import { type Admission, admit, type Demand } from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import { type Active, type CheckOptions, type CheckResult, isOnStale } from '../results.ts'

/** What a guard needs of a verifier. */
export type Judge = {
  readonly verify: (token: string, options?: CheckOptions) => Promise<CheckResult>
}

export type GuardOptions = CheckOptions & {
  /**
   * What this service is called in tokens (RFC 8707, RFC 9068 §4): a token that names audiences must name one of these.
   * `'any'` lets in tokens for whomever, and has to be written out.
   */
  readonly audience: string | readonly string[]
  /** Also tokens that name no audience. `audience: 'any'` implies it. */
  readonly withoutAudience?: boolean
  /**
   * Tokens that are bound to a key (`cnf`): `refuse` them, because a guard sees no proof of it, or let them in and
   * `report` the binding in `auth.cnf`, for a service that asks for the proof itself. `refuse` unless said.
   */
  readonly constraint?: 'refuse' | 'report'
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

/** The scheme, one or more spaces, and one word: RFC 6750 §2.1, and whatever text a chat customer has assigned. */
const BEARER = /^Bearer +([\x21-\x7e]+) *$/i
const RETRY_AFTER_SECONDS = '1'

/**
 * Decides about one request by its Authorization header. Without credentials the challenge names no error (§3.1); a
 * token that is over is 401, one with too little scope 403, and one about which nobody can say anything now 503.
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
      return deny(options, 401, 'invalid_token', 'the token is not valid, or not any more')
    case 'unknown':
      return unavailable()
    default:
      return unavailable()
  }
}

/**
 * What a guard demands of a token.
 * @throws TypeError when no audience is said: a guard that forgets it would let in tokens for every other service. Also
 * when something else is not as it is typed, for JavaScript would take part of a text for an item of a list.
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
      "audience: say what this service is called in tokens, or 'any' for tokens of whomever",
    )
  for (const [option, list] of Object.entries({ scopes, sources }))
    if (list !== undefined && !isTexts(list)) throw new TypeError(`${option}: a list of texts`)
  if (constraint !== undefined && constraint !== 'refuse' && constraint !== 'report')
    throw new TypeError("constraint: 'refuse' or 'report'")
  if (onStale !== undefined && !isOnStale(onStale)) throw new TypeError('onStale: refuse, ask or allow')
  if (withoutAudience !== undefined && typeof withoutAudience !== 'boolean')
    throw new TypeError('withoutAudience: true or false')
  if (realm !== undefined && typeof realm !== 'string') throw new TypeError('realm: text')
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
      return deny(options, 403, 'insufficient_scope', 'the token does not reach this far')
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

/** Nobody can say now: no fault of the token, so no challenge. */
function unavailable(): Decision {
  const headers = { 'retry-after': RETRY_AFTER_SECONDS, 'cache-control': 'no-store' }
  const body = { error: 'temporarily_unavailable', error_description: 'the token cannot be judged now' }
  return { kind: 'deny', denial: { status: 503, headers, body } }
}

function quoted(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')
}
