import type { Found } from '@rescind/authority'
import { ANY_ACCESS, admit, type TokenFacts, type TokenRecord, unreachable } from '@rescind/core'
import { foreignIssuer, RawToken } from '@rescind/core/tokens'
import type { Answer } from '../wire/answer.ts'
import { badRequest, refusalAnswer, success, successText } from './answers.ts'
import type { Authenticated, Call } from './call.ts'
import type { OauthClient } from './directory.ts'
import { parameter } from './endpoint-body.ts'
import { SIGNED_TYPE, signedAnswer } from './signed-introspection.ts'
import { isVisible } from './visibility.ts'

/** RFC 7662 §2.2: the same bytes for unknown, expired, revoked, malformed and invisible tokens. */
const INACTIVE: Answer = success({ active: false })

/** RFC 7662: the state of a token, for a client that may see it. RFC 9701: signed, if the client asks for that. */
export async function introspect(call: Call, { client }: Authenticated): Promise<Answer> {
  const text = parameter(call.values, 'token')
  if (text === undefined) return badRequest('token is required')
  // A token with a broken checksum needs no look-up. Text without our prefix may be a chat token or a JWT.
  const raw = call.realm.grammar.shapeOf(text) === 'broken' ? undefined : RawToken.parse(text)
  let plain = INACTIVE
  if (raw !== undefined) {
    const found = await call.realm.find(raw)
    const mayBeForeign = found.record === undefined && raw.looksSigned && client.introspect === 'any'
    plain = mayBeForeign ? await foreignState(call, raw, client) : render(found, client, call)
  }
  const isSigned = plain.status === 200 && asksForSigned(call.request.header('accept'))
  return isSigned ? signedAnswer(call, client, plain) : plain
}

/** A token of a registered issuer, described by its own claims. Only clients that may see every token of the realm get here. */
async function foreignState(call: Call, raw: RawToken, client: OauthClient): Promise<Answer> {
  const judged = await call.options.judgeForeign?.(call.realm, raw)
  if (judged?.verdict.kind === 'unknown') return refusalAnswer({ kind: 'outage' })
  if (judged?.facts === undefined || judged.credential === undefined) return INACTIVE
  if (judged.verdict.kind === 'inactive' || admit(judged.credential, ANY_ACCESS).kind !== 'admitted')
    return INACTIVE
  const { facts, credential } = judged
  call.realm.acceptedForeign(facts, { by: 'client', name: client.clientId })
  const { audience, scopes, cnf } = credential
  const { cacheTtlSeconds } = call.options
  return success({
    active: true,
    scope: scopes.length === 0 ? undefined : scopes.join(' '),
    client_id: facts.client,
    token_type: 'Bearer',
    exp: Math.floor(facts.expiresAtMs / 1_000),
    iat: facts.issuedAtMs === undefined ? undefined : Math.floor(facts.issuedAtMs / 1_000),
    sub: facts.subject,
    aud: audience?.length === 1 ? audience[0] : audience,
    iss: foreignIssuer(facts.source),
    jti: facts.foreign?.jti,
    // The resource server must check proof of possession itself (RFC 8705 §3.2, RFC 9449 §6.2).
    cnf,
    cache_ttl: cacheTtlSeconds > 0 ? cacheTtl(facts, cacheTtlSeconds, call.realm.nowMs()) : undefined,
  })
}

/** RFC 9701 §4 with the weights of RFC 9110 §12.5.1: Accept names the signed form, and does not prefer JSON. */
function asksForSigned(accept: string | undefined): boolean {
  if (accept === undefined || !MAY_ASK.test(accept)) return false
  let signed = 0
  let json = 0
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';')
    const name = type.trim().toLowerCase()
    if (name === SIGNED_TYPE) signed = weightOf(parameters)
    else if (name === 'application/json') json = weightOf(parameters)
  }
  return signed > 0 && signed >= json
}

/** Nearly every caller asks for JSON; this finds that out without parsing the header. */
const MAY_ASK = /introspection\+jwt/i
const WEIGHT = /^\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*$/i

function weightOf(parameters: readonly string[]): number {
  const given = parameters.map((one) => WEIGHT.exec(one)?.[1]).find((weight) => weight !== undefined)
  return given === undefined ? 1 : Number(given)
}

function render({ verdict, record }: Found, client: OauthClient, call: Call): Answer {
  if (record === undefined || !isVisible(record, client)) return INACTIVE
  switch (verdict.kind) {
    case 'active':
      call.realm.accepted(record, { by: 'client', name: client.clientId })
      return activeAnswer(record, call)
    case 'inactive':
      return INACTIVE
    case 'unknown':
      // The state is unknown now: an outage, never "inactive".
      return refusalAnswer({ kind: 'outage' })
    default:
      return unreachable(verdict)
  }
}

/**
 * The members of RFC 7662 §2.2, concatenated by hand: building an object from optional parts and serialising it costs
 * four times as much, and this is the hottest answer.
 */
function activeAnswer(record: TokenRecord, { issuer, options, realm }: Call): Answer {
  const { scope, client, subject, audience, claims } = record
  let body = '{"active":true'
  if (scope !== undefined && scope !== '') body += `,"scope":${JSON.stringify(scope)}`
  if (client !== undefined) body += `,"client_id":${JSON.stringify(client)}`
  if (record.kind !== 'refresh') body += ',"token_type":"Bearer"'
  body += `,"exp":${Math.floor(record.expiresAtMs / 1_000)},"iat":${Math.floor(record.issuedAtMs / 1_000)}`
  if (subject !== undefined) body += `,"sub":${JSON.stringify(subject)}`
  if (audience !== undefined)
    body += `,"aud":${JSON.stringify(audience.length === 1 ? audience[0] : audience)}`
  // A JWT without an audience names its issuer (RFC 9068 §2.2).
  else if (record.keyId !== undefined) body += `,"aud":${JSON.stringify(issuer)}`
  if (record.source === 'oauth') body += `,"iss":${JSON.stringify(issuer)}`
  // A handle is a prefix and base64url, so it needs no escaping.
  body += `,"jti":"${record.handle}"`
  if (claims?.act !== undefined) body += `,"act":${JSON.stringify(claims.act)}`
  if (options.cacheTtlSeconds > 0)
    body += `,"cache_ttl":${cacheTtl(record, options.cacheTtlSeconds, realm.nowMs())}`
  return successText(`${body}}`)
}

/** Never past the token's expiry (RFC 7662 §4), and never 0, which some caches take for "for ever". */
function cacheTtl({ expiresAtMs }: TokenFacts, mostSeconds: number, nowMs: number): number {
  return Math.max(1, Math.min(mostSeconds, Math.floor((expiresAtMs - nowMs) / 1_000)))
}
