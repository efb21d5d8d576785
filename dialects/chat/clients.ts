import type { Realm } from '@rescind/authority'
import { unreachable } from '@rescind/core'
import { formatInstant } from '@rescind/core/bytes'
import type { Answer, Stale } from '../wire/answer.ts'
import { bindAssigned } from './bind.ts'
import type { Assignment } from './body.ts'
import type { Admin, AdminAsk } from './call.ts'
import { parseClient } from './client-body.ts'
import { clientObject } from './client-object.ts'
import { type ClientWrite, planClient } from './client-write.ts'
import { ok } from './envelope.ts'
import { mintToken } from './mint.ts'
import { newerClient } from './newer-members.ts'
import { type GivenToken, tokenIdHeader } from './token-record.ts'

/**
 * `POST /admin/clients`: creates or updates a client, and may give it a token in the same write. Its existing tokens
 * are not touched.
 */
export async function putClient(realm: Realm, { admin, request }: AdminAsk): Promise<Answer | Stale> {
  const ask = parseClient(realm, admin, request)
  if (ask.kind === 'refused') return ask.answer
  const write = await planClient(realm, { app: admin.app.name, caller: admin.caller, patch: ask })
  if (write.kind === 'refused') return write.answer
  switch (ask.token.kind) {
    case 'none':
      return writeClient(realm, admin, write)
    case 'mint':
      return putAndMint(realm, admin, write)
    case 'assignment':
      return putAndBind(realm, { admin, write, assignment: ask.token })
    default:
      return unreachable(ask.token)
  }
}

async function writeClient(realm: Realm, admin: Admin, write: ClientWrite): Promise<Answer | Stale> {
  if (write.also.length > 0) {
    const { caller } = admin
    const change = {
      realm: realm.ordinal,
      dependsOn: [caller.dependency],
      expects: [],
      operations: write.also,
    }
    // A conflict: another call wrote this client first. Merge into the new state.
    if ((await realm.commit(change)).kind !== 'applied') return 'stale'
  }
  return ok(clientObject(write), { members: newerClient(admin.app, write) })
}

async function putAndMint(realm: Realm, admin: Admin, write: ClientWrite): Promise<Answer | Stale> {
  const minted = await mintToken(realm, admin, write)
  if (minted.kind === 'stale') return 'stale'
  return minted.kind === 'refused' ? minted.answer : withToken(admin, write, minted)
}

type PutAndBind = { readonly admin: Admin; readonly write: ClientWrite; readonly assignment: Assignment }

async function putAndBind(realm: Realm, { admin, write, assignment }: PutAndBind): Promise<Answer | Stale> {
  const bound = await bindAssigned(realm, { admin, client: write.value.id, assignment, also: write.also })
  if (bound.kind === 'stale') return 'stale'
  if (bound.kind === 'refused') return bound.answer
  const text = assignment.raw.reveal()
  return withToken(admin, write, {
    text,
    handle: bound.handle,
    expiresAtMs: assignment.expiresAtMs,
    assigned: true,
  })
}

function withToken(
  { app }: Admin,
  write: ClientWrite,
  token: GivenToken & { readonly assigned?: true },
): Answer {
  const { text, expiresAtMs } = token
  const result = { ...clientObject(write), token: text, expirationDate: formatInstant(expiresAtMs) }
  return ok(result, { members: newerClient(app, write, token), headers: tokenIdHeader(token.handle) })
}
