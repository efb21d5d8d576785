import type { Realm } from '@rescind/authority'
import { parseInstant } from '@rescind/core/bytes'
import { RawToken, TOKEN_MAX_BYTES } from '@rescind/core/tokens'
import { JSON_TYPE } from '../wire/answer.ts'
import { isUtf8, mediaType, type WireRequest } from '../wire/request.ts'
import { type Json, type JsonObject, parseStrictObject } from '../wire/strict-json.ts'
import { withoutBom } from '../wire/text.ts'
import type { Admin } from './call.ts'
import type { ChatApp } from './directory.ts'
import { type Refused, refused } from './envelope.ts'

export type Body =
  /** No bytes, even if there is a Content-Type. */
  { readonly kind: 'none' } | { readonly kind: 'object'; readonly members: JsonObject }

/** Refuses bodies that two parsers could read differently, and any query string, which has no meaning here. */
function readBody(request: WireRequest): Body | Refused {
  if (request.query !== undefined) return refused('INVALID_REQUEST', 'This call takes no query string.')
  if (request.body.length === 0) return { kind: 'none' }
  const media = mediaType(request)
  if (media === undefined || !isUtf8(media, JSON_TYPE))
    return refused('INVALID_BODY', 'A body must come as application/json in UTF-8.')
  const members = parseStrictObject(withoutBom(request.body))
  return members === undefined ? refused('INVALID_BODY') : { kind: 'object', members }
}

/** As `readBody`, but requires a body. */
export function readObject(request: WireRequest): Extract<Body, { kind: 'object' }> | Refused {
  const body = readBody(request)
  return body.kind === 'none' ? refused('INVALID_BODY') : body
}

export type RevokeAsk = { readonly kind: 'all' } | TokenText

/** `raw` is absent for a JWS in a non-canonical spelling: well-formed text that no token can have. */
export type TokenText = { readonly kind: 'one'; readonly raw: RawToken | undefined }

/** Only an absent body or an object without members means "all". A body that tried to name a token must never end every token. */
export function parseRevoke(request: WireRequest): RevokeAsk | Refused {
  const body = readBody(request)
  if (body.kind === 'refused') return body
  if (body.kind === 'none') return { kind: 'all' }
  const names = Object.keys(body.members)
  if (names.length === 0) return { kind: 'all' }
  if (names.length !== 1 || names[0] !== 'token')
    return refused('INVALID_REQUEST', 'The body may hold nothing but token.')
  return parseToken(body.members.token)
}

/** Text to bind, and its expiry. */
export type Assignment = {
  readonly kind: 'assignment'
  readonly raw: RawToken
  readonly expiresAtMs: number
}

/** `{token, expirationDate?}` and no other members. */
export function parseBind(realm: Realm, admin: Admin, request: WireRequest): Assignment | Refused {
  const body = readObject(request)
  if (body.kind === 'refused') return body
  for (const name of Object.keys(body.members)) {
    if (name !== 'token' && name !== 'expirationDate')
      return refused('INVALID_REQUEST', 'The body may hold nothing but token and expirationDate.')
  }
  return parseAssignment(realm, admin, body.members)
}

export function parseAssignment(realm: Realm, admin: Admin, members: JsonObject): Assignment | Refused {
  const token = parseToken(members.token)
  if (token.kind === 'refused') return token
  const { raw } = token
  if (raw === undefined)
    return refused('INVALID_REQUEST', 'This token is a JWS or JWE that is not written as RFC 7515 says.')
  if (realm.grammar.shapeOf(raw.reveal()) !== 'foreign' || raw.looksMinted)
    return refused('INVALID_REQUEST', 'This token has the form of those that this server mints.')
  const expiry = parseExpiry(realm, admin, members.expirationDate)
  return expiry.kind === 'refused' ? expiry : { kind: 'assignment', raw, expiresAtMs: expiry.ms }
}

/** For calls without members: no body, or an object without members. */
export function refuseBody(request: WireRequest): Refused | undefined {
  const body = readBody(request)
  if (body.kind === 'refused') return body
  if (body.kind === 'none' || Object.keys(body.members).length === 0) return undefined
  return refused('INVALID_REQUEST', 'This call takes no body.')
}

export function parseToken(value: Json | undefined): TokenText | Refused {
  const raw = typeof value === 'string' ? RawToken.parse(value) : undefined
  const isText = raw !== undefined || (typeof value === 'string' && isNotCanonical(value))
  return isText ? { kind: 'one', raw } : refused('INVALID_REQUEST', NO_TOKEN)
}

function isNotCanonical(text: string): boolean {
  return RawToken.refusalOf(text) === 'not-canonical'
}

/** A JWS may be twice as long; the manual says so. */
const NO_TOKEN = `token must be text of 1 to ${TOKEN_MAX_BYTES} bytes.`

function parseExpiry(
  realm: Realm,
  admin: Admin,
  value: Json | undefined,
): { readonly kind: 'at'; readonly ms: number } | Refused {
  const nowMs = realm.nowMs()
  const longestMs = assignedLifetimeMaxMs(realm, admin.app)
  if (value === undefined || value === null)
    return { kind: 'at', ms: nowMs + Math.min(admin.app.tokenLifetimeSeconds * 1_000, longestMs) }
  const ms = typeof value === 'string' ? parseInstant(value) : undefined
  if (ms === undefined)
    return refused('INVALID_REQUEST', 'expirationDate must be an ISO 8601 date with a time.')
  // An expired token would be answered with 200 and then refused by every check. Refuse it here.
  if (ms <= nowMs) return refused('INVALID_REQUEST', 'expirationDate is in the past.')
  if (ms - nowMs > longestMs)
    return refused('INVALID_REQUEST', 'expirationDate is later than this app allows.')
  return { kind: 'at', ms }
}

/** The longest life of text that an app's server assigns, within the limits of the app and the realm. */
export function assignedLifetimeMaxMs({ lifetimes }: Realm, { maxLifetimeSeconds }: ChatApp): number {
  const { assignedMs } = lifetimes
  return maxLifetimeSeconds === undefined ? assignedMs : Math.min(maxLifetimeSeconds * 1_000, assignedMs)
}
