import type { Caller, Realm } from '@rescind/authority'
import type { Answer, Stale } from '../wire/answer.ts'
import { readObject } from './body.ts'
import { parsePlainPatch } from './client-body.ts'
import { clientObject } from './client-object.ts'
import { planClient } from './client-write.ts'
import { fail, ok } from './envelope.ts'
import { tokenIdHeader } from './token-record.ts'
import type { User } from './user.ts'

/** Members that a user may change; others need the API key. */
const OWN_MEMBERS: ReadonlySet<string> = new Set([
  'description',
  'email',
  'lang',
  'locale',
  'notificationEnabled',
  'timezone',
])

/** `GET /me`: the client of a user's token. The vendor's clients use it to ask whether a token is live. */
export async function getMe(_realm: Realm, { client, record }: User): Promise<Answer> {
  return ok(clientObject(client), { headers: tokenIdHeader(record.handle) })
}

/** `POST /me`: a user updates its profile. Members beyond OWN_MEMBERS need the API key. */
export async function postMe(realm: Realm, user: User): Promise<Answer | Stale> {
  const body = readObject(user.request)
  if (body.kind === 'refused') return body.answer
  const { client } = user.record
  const { _id = client, id = client, ...members } = body.members
  if (_id !== client || id !== client) return fail('INVALID_REQUEST', 'The id of a client cannot be changed.')
  const patch = parsePlainPatch({ ...members, _id: client }, ['_id', 'id'])
  if (patch.kind === 'refused') return patch.answer
  const foreign = Object.keys(patch.members).find((name) => !OWN_MEMBERS.has(name))
  if (foreign !== undefined && !user.who.byApiKey)
    return fail('PERMISSION_DENIED', 'This member can be set with the API key only.')
  const caller = userCaller(realm, user)
  const write = await planClient(realm, { app: user.who.app.name, caller, patch })
  if (write.kind === 'refused') return write.answer
  // The client was deleted meanwhile; its own profile must not create it again.
  if (write.value.createdAtMs !== user.client.value.createdAtMs) return 'stale'
  const change = { realm: realm.ordinal, dependsOn: [caller.dependency], expects: [], operations: write.also }
  if (write.also.length > 0 && (await realm.commit(change)).kind !== 'applied') return 'stale'
  return ok(clientObject(write), { headers: tokenIdHeader(user.record.handle) })
}

/** The caller of a user's write, which depends on the user's token being live. */
export function userCaller(realm: Realm, { who, request, record }: User): Caller {
  const dependency = { realm: realm.ordinal, facts: record }
  return { id: `chat:${who.app.name}/${record.client}`, from: request.from, dependency }
}
