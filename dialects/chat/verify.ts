import type { Realm } from '@rescind/authority'
import { type Answer, jsonAnswer } from '../wire/answer.ts'
import { parseToken, readObject } from './body.ts'
import type { AdminAsk } from './call.ts'
import { CHAT_CLIENTS, clientRecordId } from './directory.ts'
import { fail } from './envelope.ts'
import { tokenIdHeader } from './token-record.ts'
import { isActive } from './user.ts'

/** `POST /verify` of the vendor's reference server: the token's client, flat, with the times of its claims. */
export async function verifyReference(realm: Realm, { admin, request }: AdminAsk): Promise<Answer> {
  const body = readObject(request)
  if (body.kind === 'refused') return body.answer
  const { token, ...others } = body.members
  if (Object.keys(others).length > 0) return fail('INVALID_REQUEST', 'The body may hold nothing but token.')
  const parsed = parseToken(token)
  if (parsed.kind === 'refused') return parsed.answer
  if (parsed.raw === undefined) return fail('INVALID_TOKEN')
  const { verdict, record } = await realm.find(parsed.raw, admin.source)
  if (record?.client === undefined || !isActive(verdict)) return fail('INVALID_TOKEN')
  const client = await realm.directory.get(CHAT_CLIENTS, clientRecordId(admin.app.name, record.client))
  // Judge again after the last look-up.
  if (client === undefined || !isActive(realm.judge(record))) return fail('INVALID_TOKEN')
  const { id, nickname, avatarUrl } = client.value
  const exp = Math.floor(record.expiresAtMs / 1_000)
  const iat = Math.floor(record.issuedAtMs / 1_000)
  return jsonAnswer(200, { id, nickname, avatarUrl, exp, iat }, tokenIdHeader(record.handle))
}
