import { type Caller, type Operation, putRecord, type Realm } from '@rescind/authority'
import { type ClientPatch, MEMBERS_MAX, MEMBERS_MAX_BYTES } from './client-body.ts'
import { CHAT_CLIENTS, type ChatClient, clientRecordId } from './directory.ts'
import { type Refused, refused } from './envelope.ts'
import { keptPatch } from './kept-patch.ts'

/** A client after the change, and the operations that make it so; none if nothing changes. */
export type ClientWrite = {
  readonly kind: 'write'
  readonly value: ChatClient
  readonly version: number
  readonly also: readonly Operation[]
}

export type ClientPut = { readonly app: string; readonly caller: Caller; readonly patch: ClientPatch }

/**
 * Sent members replace those of the same name; others stay. A sign-in without changes writes nothing, so concurrent
 * ones do not conflict.
 */
export async function planClient(realm: Realm, put: ClientPut): Promise<ClientWrite | Refused> {
  const id = clientRecordId(put.app, put.patch.id)
  const { version, entry } = await realm.directory.state(CHAT_CLIENTS, id)
  return writeOver(realm, put, { version, value: entry?.value })
}

export type Before = { readonly version: number; readonly value: ChatClient | undefined }

export async function writeOver(
  realm: Realm,
  { app, caller, patch: given }: ClientPut,
  before: Before,
): Promise<ClientWrite | Refused> {
  // The id identifies the client, so a credential in it cannot be replaced by a handle.
  if (before.value === undefined && (await realm.keptText(given.id)) !== given.id)
    return refused('INVALID_REQUEST', 'The id of a client may not hold a credential.')
  // Check the size first: scanning the text for credentials takes a while.
  if (!fits({ ...before.value?.members, ...given.members })) return TOO_MUCH
  const patch = await keptPatch(realm, { app, given, before: before.value })
  const nowMs = realm.nowMs()
  const value: ChatClient = {
    ...before.value,
    ...patch.profile,
    app,
    id: patch.id,
    members: { ...before.value?.members, ...patch.members },
    createdAtMs: before.value?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  }
  // A handle may be longer than the token that it replaces.
  if (!fits(value.members)) return TOO_MUCH
  if (before.value !== undefined && isSame(before.value, value))
    return { kind: 'write', value: before.value, version: before.version, also: [] }
  const id = clientRecordId(app, patch.id)
  const audit = { by: caller.id, from: caller.from, how: 'chat.client' }
  const also = putRecord(realm, { collection: CHAT_CLIENTS, id, value, fromVersion: before.version }, audit)
  return { kind: 'write', value, version: before.version + 1, also }
}

/** Whether a merge changed nothing. Merging keeps the order of existing members. */
function isSame(before: ChatClient, value: ChatClient): boolean {
  return JSON.stringify({ ...value, updatedAtMs: before.updatedAtMs }) === JSON.stringify(before)
}

const TOO_MUCH = refused(
  'INVALID_REQUEST',
  `A client keeps at most ${MEMBERS_MAX} members of ${MEMBERS_MAX_BYTES} bytes.`,
)

function fits(members: ChatClient['members']): boolean {
  return (
    Object.keys(members).length <= MEMBERS_MAX &&
    Buffer.byteLength(JSON.stringify(members)) <= MEMBERS_MAX_BYTES
  )
}
