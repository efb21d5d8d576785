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

/** `DELETE /admin/clients/:client-id/token`: ends one token of a client, or all, and lists them. */
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
  // The same answer for unknown, expired and revoked tokens and for those of others. Nothing is revoked.
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
      // Of two concurrent calls for one token, the later one is judged again and then finds it ended.
      return { ...act, onlyIfLive: record }
    case 'inactive':
      // A suspended token comes back when its hold is released, so it can be ended.
      return isSuspended(verdict) ? act : undefined
    case 'unknown':
      throw new StoreUnavailable('this node does not know all revocations yet')
    default:
      return unreachable(verdict)
  }
}

/**
 * Writes one cutoff and lists the tokens that it ended. The cutoff is written even without live tokens, because it also
 * covers tokens being minted at this moment.
 * @throws StoreUnavailable also when the list cannot be read: the cutoff is in force then, and repeating the call is
 * safe.
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
 * `DELETE /admin/clients/:client-id`: deletes the client, and ends and lists its tokens. A body with a token was meant
 * for the path below it, so it is refused.
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
