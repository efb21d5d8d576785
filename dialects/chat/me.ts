import { type Awaitable, after, RawToken, type Realm, StoreUnavailable, type Verdict } from '@rescind/core'
import type { Answer } from '../wire/answer.ts'
import type { WireRequest } from '../wire/request.ts'
import { appOfClientCall } from './callers.ts'
import { clientObject } from './client-object.ts'
import { CHAT_CLIENTS, type ChatApp, clientRecordId, sourceOf } from './directory.ts'
import { fail, ok } from './envelope.ts'
import { readUserToken } from './headers.ts'

/** `GET /me`: whom a user's token stands for; the vendor's clients ask it whether a token is alive. */
export function getMe(realm: Realm, request: WireRequest): Awaitable<Answer> {
  const token = readUserToken(request)
  if (token.kind === 'refused') return token.answer
  return after(appOfClientCall(realm, request), (who) => {
    if (who.kind === 'refused') return who.answer
    const raw = token.text === undefined ? undefined : RawToken.parse(token.text)
    return raw === undefined ? fail('INVALID_TOKEN') : ownerOf(realm, who.app, raw)
  })
}

function ownerOf(realm: Realm, app: ChatApp, raw: RawToken): Awaitable<Answer> {
  return after(realm.find(raw, sourceOf(app.name)), ({ verdict, record }) => {
    if (record?.client === undefined || !isActive(verdict)) return fail('INVALID_TOKEN')
    const id = clientRecordId(app.name, record.client)
    return after(realm.directory.get(CHAT_CLIENTS, id), (client) => {
      // Judged again: the look-up may have waited, and a revocation may have come in between.
      if (client === undefined || !isActive(realm.judge(record))) return fail('INVALID_TOKEN')
      return ok(clientObject(client))
    })
  })
}

function isActive(verdict: Verdict): boolean {
  if (verdict.kind === 'unknown') throw new StoreUnavailable('this node does not know all revocations yet')
  return verdict.kind === 'active'
}
