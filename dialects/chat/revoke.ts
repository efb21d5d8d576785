import {
  deleteRecord,
  type EndedBy,
  type Realm,
  type RevokeAct,
  revokePrincipals,
  revokeToken,
} from '@rescind/authority'
import { isSuspended, StoreUnavailable, type TokenRecord, unreachable, type Verdict } from '@rescind/core'
import type { RawToken } from '@rescind/core/tokens'
import type { Answer, Stale } from '../wire/answer.ts'
import { parseRevoke, refuseBody } from './body.ts'
import type { Admin, AdminAsk } from './call.ts'
import { CHAT_CLIENTS, clientRecordId, isClientId } from './directory.ts'
import { endedByCutoffAnswer } from './ended-list.ts'
import { fail, ok } from './envelope.ts'
import { newerRevocation } from './newer-members.ts'
import { wireTokenRecord } from './token-record.ts'

/** `DELETE /admin/clients/:client-id/token`: ends one token of a client, or all, and lists what was ended. */
export async function revokeTokens(
  realm: Realm,
  { admin, request, client }: AdminAsk,
): Promise<Answer | Stale> {
  const ask = parseRevoke(request)
  if (ask.kind === 'refused') return ask.answer
  if (!isClientId(client)) return fail('INVALID_REQUEST', 'A client id has 1 to 256 characters.')
  const of: Of = { admin, client }
  const known = await realm.directory.get(CHAT_CLIENTS, clientRecordId(admin.app.name, client))
  if (known === undefined) return fail('CLIENT_NOT_FOUND')
  return ask.kind === 'all' ? revokeAll(realm, of) : revokeOne(realm, of, ask.raw)
}

type Of = { readonly admin: Admin; readonly client: string }

async function revokeOne(
  realm: Realm,
  { admin, client }: Of,
  raw: RawToken | undefined,
): Promise<Answer | Stale> {
  if (raw === undefined) return fail('TOKEN_NOT_FOUND')
  const { verdict, record } = await realm.findToEnd(raw, admin.source)
  // Unknown, expired, revoked, another client's, another app's: one answer for all, and nothing is revoked.
  if (record === undefined || record.client !== client) return fail('TOKEN_NOT_FOUND')
  const act = actOn(verdict, record, { caller: admin.caller, how: 'chat.revoke' })
  if (act === undefined) return fail('TOKEN_NOT_FOUND')
  const revoked = await revokeToken(realm, record, act)
  if (revoked.kind === 'stale') return 'stale'
  return ok({ data: [wireTokenRecord(record, raw)] }, { members: newerRevocation(admin.app, 1) })
}

/** @returns undefined when there is nothing to end. */
function actOn(verdict: Verdict, record: TokenRecord, act: RevokeAct): RevokeAct | undefined {
  switch (verdict.kind) {
    case 'active':
      // Of two that race for one token, the later one is judged again, and then finds none.
      return { ...act, onlyIfLive: record }
    case 'inactive':
      // A suspended token comes back when its hold is released, unless it is revoked: it can be ended.
      return isSuspended(verdict) ? act : undefined
    case 'unknown':
      throw new StoreUnavailable('this node does not know all revocations yet')
    default:
      return unreachable(verdict)
  }
}

/**
 * One cutoff, whatever it covers; then the list of what it ended. The cutoff is written with nothing live too:
 * what is being minted at this moment is ended or judged again by it.
 * @throws StoreUnavailable also when the list cannot be read: the cutoff stands then, and asking again is safe.
 */
async function revokeAll(realm: Realm, { admin, client }: Of): Promise<Answer | Stale> {
  const principals = { source: admin.source, client }
  const act = { caller: admin.caller, how: 'chat.revoke-all' }
  const revoked = await revokePrincipals(realm, { shape: 'client', principals }, act)
  if (revoked.kind === 'stale') return 'stale'
  const cutoff: EndedBy = { shape: 'client', at: revoked.at, previousCutoff: revoked.previousCutoff }
  return endedByCutoffAnswer(realm, { app: admin.app, principals, cutoff, beside: {} })
}

/**
 * `DELETE /admin/clients/:client-id`: the client is gone, and its tokens are ended and listed. A body that names a
 * token was meant for the path one segment longer, so it is refused.
 */
export async function deleteClient(
  realm: Realm,
  { admin, request, client }: AdminAsk,
): Promise<Answer | Stale> {
  const wrong = refuseBody(request)
  if (wrong !== undefined) return wrong.answer
  if (!isClientId(client)) return fail('INVALID_REQUEST', 'A client id has 1 to 256 characters.')
  const id = clientRecordId(admin.app.name, client)
  const { version, entry } = await realm.directory.state(CHAT_CLIENTS, id)
  if (entry === undefined) return fail('CLIENT_NOT_FOUND')
  const principals = { source: admin.source, client }
  const { caller } = admin
  const audit = { by: caller.id, from: caller.from, how: 'chat.delete-client' }
  const also = deleteRecord(realm, { collection: CHAT_CLIENTS.name, id, fromVersion: version }, audit)
  const act = { caller, how: 'chat.delete-client', also }
  const revoked = await revokePrincipals(realm, { shape: 'client', principals }, act)
  if (revoked.kind === 'stale') return 'stale'
  const cutoff: EndedBy = { shape: 'client', at: revoked.at, previousCutoff: revoked.previousCutoff }
  return endedByCutoffAnswer(realm, {
    app: admin.app,
    principals,
    cutoff,
    beside: { _id: client, id: client },
  })
}
