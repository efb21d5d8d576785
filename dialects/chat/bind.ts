import {
  type Found,
  isOfRegisteredIssuer,
  type Operation,
  putToken,
  type Realm,
  recordOf,
  type TokenIntent,
} from '@rescind/authority'
import {
  freesText,
  type Handle,
  isMintingHeld,
  isRevoked,
  isSuspended,
  type Source,
  StoreUnavailable,
  type TokenRecord,
  unreachable,
} from '@rescind/core'
import { formatInstant } from '@rescind/core/bytes'
import type { RawToken } from '@rescind/core/tokens'
import type { Answer, Stale } from '../wire/answer.ts'
import { type Assignment, parseBind } from './body.ts'
import type { Admin, AdminAsk } from './call.ts'
import { CHAT_CLIENTS, clientRecordId, isClientId } from './directory.ts'
import { fail, ok, overQuota, type Refused, refused } from './envelope.ts'
import { newerClient } from './newer-members.ts'
import { tokenIdHeader } from './token-record.ts'
import { isAtTombstoneQuota } from './tombstones.ts'

/** `PUT /admin/clients/:client-id/token`: binds text chosen by the app's server to one of the app's clients. */
export async function bindToken(realm: Realm, { admin, request, client }: AdminAsk): Promise<Answer | Stale> {
  const assignment = parseBind(realm, admin, request)
  if (assignment.kind === 'refused') return assignment.answer
  if (!isClientId(client)) return fail('INVALID_REQUEST', 'A client id has 1 to 256 characters.')
  const known = await realm.directory.get(CHAT_CLIENTS, clientRecordId(admin.app.name, client))
  if (known === undefined) return fail('CLIENT_NOT_FOUND')
  const bound = await bindAssigned(realm, { admin, client, assignment, also: [] })
  if (bound.kind === 'stale') return 'stale'
  if (bound.kind === 'refused') return bound.answer
  const { raw, expiresAtMs } = assignment
  const expirationDate = formatInstant(expiresAtMs)
  const result = { token: raw.reveal(), client, expirationDate, expirationDateMS: expiresAtMs }
  const members = newerClient(admin.app, known, { text: raw.reveal(), expiresAtMs, assigned: true })
  return ok(result, { members, headers: tokenIdHeader(bound.handle) })
}

export type BindAct = {
  readonly admin: Admin
  readonly client: string
  readonly assignment: Assignment
  /** Operations for the same write, such as the client's own record. */
  readonly also: readonly Operation[]
  /** Claims to store with the token. */
  readonly claims?: TokenRecord['claims']
}

export type Bound = { readonly kind: 'bound'; readonly handle: Handle } | { readonly kind: 'stale' } | Refused

/** As `bindText`, but counts against the quota of the app's server. */
export async function bindAssigned(realm: Realm, act: BindAct): Promise<Bound> {
  const { caller } = act.admin
  const waitSeconds = realm.issuingWaitSeconds(caller)
  if (waitSeconds > 0) return overQuota(waitSeconds)
  const bound = await bindText(realm, act)
  if (bound.kind === 'bound') realm.noteIssued(caller)
  return bound
}

/** Binds in one write. If the text changes meanwhile, the answer is `stale` and the request is judged again. */
export async function bindText(realm: Realm, act: BindAct): Promise<Bound> {
  if (await isOfRegisteredIssuer(realm.directory, act.assignment.raw))
    return refused('INVALID_REQUEST', FOREIGN)
  const plan = await planOf(realm, act)
  switch (plan.kind) {
    case 'conflict':
      return refused('TOKEN_CONFLICT')
    case 'held':
      return refused('PERMISSION_DENIED', SUSPENDED)
    case 'extend':
      return commit(realm, act, { record: plan.record, operations: [extension(realm, act, plan.record)] })
    case 'put': {
      if (await isAtTombstoneQuota(realm, act.admin)) return refused('INVALID_REQUEST', FULL)
      const record = recordOf(realm, intentOf(act), {
        position: act.admin.judgedAt,
        issuedAtMs: realm.nowMs(),
      })
      const operations = [...plan.over.map(forgetting), putToken(record)]
      return commit(realm, act, { record, operations, unlessRevoked: plan.over })
    }
    default:
      return unreachable(plan)
  }
}

/** The same signed token can be spelled as different texts, so its bytes do not identify it. Its issuer's signature decides. */
const FOREIGN = 'A token of a registered issuer cannot be bound.'
const FULL =
  'This app has reached its limit of remembered revoked tokens: no new text can be bound until the limit is raised.'
export const SUSPENDED = 'This client is suspended: no token can be issued to it until the hold is released.'

type Write = {
  readonly record: TokenRecord
  readonly operations: readonly Operation[]
  readonly unlessRevoked?: readonly TokenRecord[]
}

async function commit(realm: Realm, act: BindAct, { record, operations, ...more }: Write): Promise<Bound> {
  const outcome = await realm.commit({
    realm: realm.ordinal,
    dependsOn: [act.admin.caller.dependency, { realm: realm.ordinal, facts: record }],
    expects: [],
    operations: [...operations, ...act.also],
    ...more,
  })
  // A conflict: the token was collected or created meanwhile, or the client's record changed.
  return outcome.kind === 'applied' ? { kind: 'bound', handle: record.handle } : { kind: 'stale' }
}

type Plan =
  /** The client already holds this text. Only its expiry changes. */
  | { readonly kind: 'extend'; readonly record: TokenRecord }
  /** `over`: the dead records that the new one replaces. */
  | { readonly kind: 'put'; readonly over: readonly TokenRecord[] }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'held' }

async function planOf(realm: Realm, act: BindAct): Promise<Plan> {
  const { raw } = act.assignment
  // In every source: text that anybody in the realm holds cannot be assigned.
  const found = await realm.find(raw)
  const isKnown = found.record !== undefined || found.respelled !== undefined
  const plan = isKnown ? planOver(realm, act, found) : await planForNew(realm, act)
  if (plan.kind !== 'put') return plan
  if (realm.settling !== undefined) await realm.settling
  return realm.isClosed || isMintingHeld(intentOf(act), realm.index) ? HELD : plan
}

const CONFLICT: Plan = { kind: 'conflict' }
const HELD: Plan = { kind: 'held' }

/** The caller looked for the record first. GC that removes a record meanwhile leaves the tombstone before it does so. */
async function planForNew(realm: Realm, act: BindAct): Promise<Plan> {
  const { raw } = act.assignment
  return (await wasEnded(realm, raw, act.admin.source)) ? CONFLICT : { kind: 'put', over: [] }
}

/** Whether text without a record was ever revoked here: by its name, or by its bytes, which once identified a JWS. */
export async function wasEnded(realm: Realm, raw: RawToken, source: Source): Promise<boolean> {
  const { digestKey } = realm.keys
  const twin = raw.twinDigest(digestKey)
  // A record of an earlier version accepts only the bytes that it was stored with, so this other signature is refused.
  if (twin !== undefined && (await realm.store.tokenByDigest(realm.ordinal, twin)) !== undefined) return true
  const digests = [raw.knownBy(digestKey), raw.digest(digestKey), ...(twin === undefined ? [] : [twin])]
  for (const digest of new Set(digests)) {
    if (await realm.store.isTombstone(realm.ordinal, digest)) return true
    // Cutoffs do not cover this position; only a rule on this very digest can.
    const facts = { source, digest, ancestors: [], position: realm.position(), expiresAtMs: 0 }
    if (isRevoked(facts, realm.index)) return true
  }
  return false
}

function planOver(realm: Realm, act: BindAct, { verdict, record: own, respelled }: Found): Plan {
  const record = own ?? respelled
  // Ask apart from the verdict, which has only one reason: lost text may have been revoked before.
  if (record === undefined || isRevoked(record, realm.index)) return CONFLICT
  // A live token keeps its text: with a second spelling, only one of the two would be accepted.
  if (own === undefined && realm.judge(record).kind === 'active') return CONFLICT
  const isOwn = record.source === act.admin.source && record.client === act.client
  switch (verdict.kind) {
    case 'active':
      return isOwn && record.kind === 'assigned' ? { kind: 'extend', record } : CONFLICT
    case 'inactive':
      if (isSuspended(verdict)) return isOwn ? HELD : CONFLICT
      return record.kind === 'assigned' && freesText(verdict) ? { kind: 'put', over: [record] } : CONFLICT
    case 'unknown':
      throw new StoreUnavailable('this node does not know all revocations yet')
    default:
      return unreachable(verdict)
  }
}

function intentOf({ admin, client, assignment, claims }: BindAct): TokenIntent {
  const { raw, expiresAtMs } = assignment
  const principals = { source: admin.source, client, subject: client }
  const known = claims === undefined ? {} : { claims }
  return { ...principals, raw, kind: 'assigned', expiresAtMs, sealText: true, ...known }
}

function extension(realm: Realm, { assignment }: BindAct, { digest, source }: TokenRecord): Operation {
  const { expiresAtMs } = assignment
  return { kind: 'extend-token', digest, source, expiresAtMs, atMs: realm.nowMs() }
}

function forgetting({ digest, handle, source }: TokenRecord): Operation {
  return { kind: 'forget-token', token: { digest, handle, source, tombstone: false } }
}
