import type { Operation, Realm } from '@rescind/authority'
import type { Answer, Stale } from '../wire/answer.ts'
import { isObject, type Json } from '../wire/strict-json.ts'
import { readObject } from './body.ts'
import type { AdminAsk } from './call.ts'
import { type Patch, parsePlainPatch } from './client-body.ts'
import { type Before, type ClientWrite, writeOver } from './client-write.ts'
import { CHAT_CLIENTS, clientRecordId } from './directory.ts'
import { fail, ok, type Refused, refused } from './envelope.ts'

/** Clients per call; the vendor advises a hundred. */
export const CLIENT_LIST_MAX = 1_000

/** `POST /admin/clients/list`: creates or updates many clients, all or none, and no tokens. */
export async function putClients(realm: Realm, { admin, request }: AdminAsk): Promise<Answer | Stale> {
  const body = readObject(request)
  if (body.kind === 'refused') return body.answer
  const { data, ...others } = body.members
  if (!Array.isArray(data) || Object.keys(others).length > 0)
    return fail('INVALID_REQUEST', 'The body holds data, a list of clients, and nothing else.')
  if (data.length > CLIENT_LIST_MAX)
    return fail('INVALID_REQUEST', `One call takes at most ${CLIENT_LIST_MAX} clients.`)
  const patches = parsePatches(data as readonly Json[])
  if (patches.kind === 'refused') return patches.answer
  const writes = new Map<string, ClientWrite>()
  for (const patch of patches.list) {
    const put = { app: admin.app.name, caller: admin.caller, patch }
    const write = await writeOver(realm, put, await before(realm, put.app, patch.id))
    if (write.kind === 'refused') return write.answer
    writes.set(patch.id, write)
  }
  const operations: readonly Operation[] = [...writes.values()].flatMap(({ also }) => also)
  const write = { realm: realm.ordinal, dependsOn: [admin.caller.dependency], expects: [], operations }
  if (operations.length > 0 && (await realm.commit(write)).kind !== 'applied') return 'stale'
  return ok({ count: patches.list.length })
}

async function before(realm: Realm, app: string, id: string): Promise<Before> {
  const { version, entry } = await realm.directory.state(CHAT_CLIENTS, clientRecordId(app, id))
  return { version, value: entry?.value }
}

type Patches = { readonly kind: 'patches'; readonly list: readonly Patch[] }

/** Each id at most once: two patches would have to be merged in an order that the list does not define. */
function parsePatches(data: readonly Json[]): Patches | Refused {
  const list = new Map<string, Patch>()
  for (const one of data) {
    if (!isObject(one)) return refused('INVALID_REQUEST', 'Each item of data must be an object.')
    const patch = parsePlainPatch(one, ['_id', 'id'])
    if (patch.kind === 'refused') return patch
    if (list.has(patch.id)) return refused('INVALID_REQUEST', 'data names one client twice.')
    list.set(patch.id, patch)
  }
  return { kind: 'patches', list: [...list.values()] }
}
