import {
  type Awaitable,
  after,
  type Found,
  RawToken,
  type Realm,
  shapeOf,
  type TokenRecord,
  unreachable,
} from '@rescind/core'
import type { Answer } from '../wire/answer.ts'
import { badRequest, refusalAnswer, success, successText } from './answers.ts'
import type { Authenticated } from './client-authentication.ts'
import type { OauthClient } from './directory.ts'
import { type Parameters, parameter } from './endpoint-body.ts'

/** RFC 7662 §2.2: one answer, byte for byte, for unknown, expired, revoked, malformed and not-for-you. */
const INACTIVE: Answer = success({ active: false })

/** RFC 7662: the state of a token, for a caller that may see it. */
export function introspect(
  realm: Realm,
  { client }: Authenticated,
  asked: { readonly values: Parameters; readonly issuer: string },
): Awaitable<Answer> {
  const text = parameter(asked.values, 'token')
  if (text === undefined) return badRequest('token is required')
  // A broken checksum is known without a look-up; text of no prefix may be a chat token.
  const raw = shapeOf(text) === 'broken' ? undefined : RawToken.parse(text)
  if (raw === undefined) return INACTIVE
  return after(realm.find(raw), (found) => render(found, client, asked.issuer))
}

function render({ verdict, record }: Found, client: OauthClient, issuer: string): Answer {
  if (record === undefined || !isVisible(record, client)) return INACTIVE
  switch (verdict.kind) {
    case 'active':
      return activeAnswer(record, issuer)
    case 'inactive':
      return INACTIVE
    case 'unknown':
      // We cannot know now: an outage, never "inactive".
      return refusalAnswer({ kind: 'outage' })
    default:
      return unreachable(verdict)
  }
}

function isVisible(record: TokenRecord, client: OauthClient): boolean {
  switch (client.introspect) {
    case 'any':
      return true
    case 'own':
      return record.source === 'oauth' && record.client === client.clientId
    case 'audience':
      return (
        record.source === 'oauth' &&
        record.audience !== undefined &&
        record.audience.includes(client.clientId)
      )
    default:
      return unreachable(client.introspect)
  }
}

/**
 * The members of RFC 7662 §2.2, written by hand: an object that is put together from optional parts and then
 * serialised costs four times as much, and this is the hottest answer of all.
 */
function activeAnswer(record: TokenRecord, issuer: string): Answer {
  const { scope, client, subject, audience } = record
  let body = '{"active":true'
  if (scope !== undefined && scope !== '') body += `,"scope":${JSON.stringify(scope)}`
  if (client !== undefined) body += `,"client_id":${JSON.stringify(client)}`
  if (record.kind !== 'refresh') body += ',"token_type":"Bearer"'
  body += `,"exp":${Math.floor(record.expiresAtMs / 1_000)},"iat":${Math.floor(record.issuedAtMs / 1_000)}`
  if (subject !== undefined) body += `,"sub":${JSON.stringify(subject)}`
  if (audience !== undefined) body += `,"aud":${JSON.stringify(audience)}`
  if (record.source === 'oauth') body += `,"iss":${JSON.stringify(issuer)}`
  // A handle is base64url behind a prefix: nothing in it needs escaping.
  return successText(`${body},"jti":"${record.handle}"}`)
}
