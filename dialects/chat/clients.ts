import {
  ContractBroken,
  issueTokens,
  mintHandle,
  type Operation,
  putRecord,
  type Realm,
  unreachable,
} from '@rescind/core'
import type { Answer, Stale } from '../wire/answer.ts'
import { formatInstant } from '../wire/iso-date.ts'
import { bindText, SUSPENDED } from './bind.ts'
import type { Assignment } from './body.ts'
import type { Admin, AdminAsk } from './callers.ts'
import { mintChatJwt } from './chat-jwt.ts'
import { type ClientAsk, MEMBERS_MAX, MEMBERS_MAX_BYTES, parseClient } from './client-body.ts'
import { clientObject } from './client-object.ts'
import { CHAT_CLIENTS, type ChatClient, clientRecordId } from './directory.ts'
import { fail, ok } from './envelope.ts'

/**
 * `POST /admin/clients`: makes a client or brings it up to date, and may give it a token in the same unit.
 * Members that are sent replace what stood under their names; others stay. Tokens that it has are left alone.
 */
export async function putClient(realm: Realm, { admin, request }: AdminAsk): Promise<Answer | Stale> {
  const ask = parseClient(realm, admin, request)
  if (ask.kind === 'refused') return ask.answer
  const id = clientRecordId(admin.app.name, ask.id)
  const { version, entry } = await realm.directory.standing(CHAT_CLIENTS, id)
  const value = merged(realm, admin, { ask, before: entry?.value })
  if (!fits(value))
    return fail(
      'INVALID_REQUEST',
      `A client keeps at most ${MEMBERS_MAX} members of ${MEMBERS_MAX_BYTES} bytes.`,
    )
  // A sign-in that tells nothing new changes nothing: it writes no log row, and no two of them are in each
  // other's way.
  const isNew = entry === undefined || !isSame(entry.value, value)
  const write: Write = isNew
    ? { admin, value, version: version + 1, also: change(realm, admin, { value, version }) }
    : { admin, value: entry.value, version, also: [] }
  switch (ask.token.kind) {
    case 'none':
      return isNew ? putOnly(realm, write) : ok(clientObject(write))
    case 'mint':
      return putAndMint(realm, write)
    case 'assignment':
      return putAndBind(realm, write, ask.token)
    default:
      return unreachable(ask.token)
  }
}

type Versioned = { readonly version: number; readonly value: ChatClient }

/** The client as it will stand, and what has to be written so that it does. */
type Write = Versioned & { readonly admin: Admin; readonly also: readonly Operation[] }

function change(realm: Realm, { app, caller }: Admin, { version, value }: Versioned): readonly Operation[] {
  const id = clientRecordId(app.name, value.id)
  const audit = { by: caller.id, from: caller.from, how: 'chat.client' }
  return putRecord(realm, { collection: CHAT_CLIENTS, id, value, fromVersion: version }, audit)
}

type Merge = { readonly ask: ClientAsk; readonly before: ChatClient | undefined }

function merged(realm: Realm, admin: Admin, { ask, before }: Merge): ChatClient {
  const nowMs = realm.nowMs()
  return {
    ...before,
    ...ask.profile,
    app: admin.app.name,
    id: ask.id,
    members: { ...before?.members, ...ask.members },
    createdAtMs: before?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  }
}

/** Whether a merge left everything as it was; it keeps the order of what was there. */
function isSame(before: ChatClient, value: ChatClient): boolean {
  return JSON.stringify({ ...value, updatedAtMs: before.updatedAtMs }) === JSON.stringify(before)
}

function fits({ members }: ChatClient): boolean {
  return (
    Object.keys(members).length <= MEMBERS_MAX &&
    Buffer.byteLength(JSON.stringify(members)) <= MEMBERS_MAX_BYTES
  )
}

async function putOnly(realm: Realm, write: Write): Promise<Answer | Stale> {
  const { admin, also } = write
  const outcome = await realm.commit({
    realm: realm.ordinal,
    standsOn: [admin.caller.standing],
    expects: [],
    operations: also,
  })
  // A conflict: somebody else wrote this client first. What was sent is merged into what stands there now.
  return outcome.kind === 'applied' ? ok(clientObject(write)) : 'stale'
}

async function putAndBind(realm: Realm, write: Write, assignment: Assignment): Promise<Answer | Stale> {
  const { admin, value, also } = write
  const bound = await bindText(realm, { admin, client: value.id, assignment, also })
  if (bound.kind === 'stale') return 'stale'
  if (bound.kind === 'refused') return bound.answer
  return withToken(write, assignment.raw.reveal(), assignment.expiresAtMs)
}

async function putAndMint(realm: Realm, write: Write): Promise<Answer | Stale> {
  const { admin, value, also } = write
  const handle = mintHandle(realm.random)
  const issuedAtMs = realm.nowMs()
  const expiresAtMs = issuedAtMs + admin.app.tokenLifetimeSeconds * 1_000
  const { app, id, nickname, avatarUrl } = value
  const raw = mintChatJwt(realm, { app, id, nickname, avatarUrl, issuedAtMs, expiresAtMs, handle })
  if (raw === undefined) return fail('INVALID_REQUEST', 'The profile is too long to be put into a token.')
  const principals = { source: admin.source, client: id, subject: id }
  const issued = await issueTokens(realm, {
    basis: admin.basis,
    caller: admin.caller,
    tokens: [{ ...principals, raw, handle, kind: 'chat', expiresAtMs, sealText: true }],
    also,
  })
  switch (issued.kind) {
    case 'issued':
      return withToken(write, raw.reveal(), expiresAtMs)
    case 'stale':
      return 'stale'
    case 'held':
      return fail('PERMISSION_DENIED', SUSPENDED)
    case 'lifetime-too-long':
    case 'too-deep':
      return fail('INVALID_REQUEST', 'Tokens of this app would live longer than this server allows.')
    case 'consumed':
    case 'token-exists':
      throw new ContractBroken('128 random bits were drawn twice')
    default:
      return unreachable(issued)
  }
}

function withToken(write: Write, token: string, expiresAtMs: number): Answer {
  return ok({ ...clientObject(write), token, expirationDate: formatInstant(expiresAtMs) })
}
