import {
  type Consumption,
  KEY_PURPOSES,
  type Realm,
  readValue,
  seal,
  shaped,
  subkey,
  unseal,
} from '@rescind/authority'
import { type Handle, isEndedByRule, isSuspended, type TokenRecord, type Verdict } from '@rescind/core'
import { defined, formatInstant } from '@rescind/core/bytes'
import { RawToken } from '@rescind/core/tokens'
import type { Answer, Stale } from '../wire/answer.ts'
import { badRequest, invalidGrant, refusalAnswer, successText, suspended } from './answers.ts'
import type { Authenticated, Call } from './call.ts'
import { endedAnswer, endGrant } from './ended-grants.ts'
import { parameter } from './endpoint-body.ts'
import { grantEndMs, grantedAtMs, isGrantOver, isHeldAlone } from './grant-life.ts'
import { issueAnswer, mintingOf, tooLong, wrongScope, wrongTarget } from './issuing.ts'
import { grantedScope, scopeTokens } from './scopes.ts'
import { audienceMember, targetsInGrant } from './targets.ts'
import { type Family, tokenMembers, tokenPair } from './tokens.ts'

/** RFC 6749 §6: the write that mints the successor also consumes the refresh token. */
export async function refresh(call: Call, authenticated: Authenticated): Promise<Answer | Stale> {
  const text = parameter(call.values, 'refresh_token')
  if (text === undefined) return badRequest('refresh_token is required')
  const raw = RawToken.parse(text)
  if (raw === undefined) return invalidGrant()
  const { verdict, record } = await call.realm.find(raw, 'oauth')
  const isOwn = record?.kind === 'refresh' && record.client === authenticated.client.clientId
  return isOwn ? judged(call, authenticated, { verdict, record }) : invalidGrant()
}

type Own = { readonly verdict: Verdict; readonly record: TokenRecord }

async function judged(call: Call, authenticated: Authenticated, own: Own): Promise<Answer | Stale> {
  const { verdict, record } = own
  if (verdict.kind === 'unknown') return refusalAnswer({ kind: 'outage' })
  if (verdict.kind === 'active') return rotate(call, authenticated, record)
  if (isEndedByRule(verdict)) return endedAnswer(call.realm, record.grant)
  // Rotated before, and perhaps expired or held since. What decides is the record of its one use.
  const { realm } = call
  const consumption = await realm.store.consumption(realm.ordinal, record.handle)
  if (consumption !== undefined) return usedAgain(call, authenticated, { ...own, consumption })
  return isHeldAlone(realm, own) ? suspended() : invalidGrant()
}

/** The scope and audience that a refresh asks for, within those of its grant. */
type Wanted = { readonly scope: string; readonly audience: readonly string[] | undefined }

/** Never more than was granted (§6), nor more than the client may have now. @returns the refusal if it asks for more. */
function wantedOf(
  { values, lists }: Call,
  authenticated: Authenticated,
  record: TokenRecord,
): Wanted | { readonly refused: Answer } {
  const { client } = authenticated
  const granted = scopeTokens(record.scope).filter((token) => client.scopes.includes(token))
  const scope = grantedScope(parameter(values, 'scope'), granted)
  if (scope === undefined) return { refused: wrongScope() }
  const targets = targetsInGrant(lists, client, record.audience)
  return targets.kind === 'refused'
    ? { refused: wrongTarget(authenticated) }
    : { scope, audience: targets.audience }
}

/** A canonical form of the request: independent of order and repetition, and of whether defaults are spelled out. */
function questionOf({ scope, audience = [] }: Wanted): string {
  return JSON.stringify([[...new Set(scopeTokens(scope))].sort(), [...audience].sort()])
}

async function rotate(
  call: Call,
  authenticated: Authenticated,
  record: TokenRecord,
): Promise<Answer | Stale> {
  const grantEnd = grantEndMs(authenticated.client, grantedAtMs(record))
  if (isGrantOver(grantEnd, call.realm.nowMs())) return invalidGrant()
  const wanted = wantedOf(call, authenticated, record)
  if ('refused' in wanted) return wanted.refused
  const { scope, audience } = wanted
  const family: Family = { ...familyOf(record), scope, ...audienceMember(audience) }
  const kept = { scope: record.scope ?? scope, ...audienceMember(record.audience) }
  const pair = await tokenPair(mintingOf(call, authenticated), family, kept)
  if (pair === undefined) return tooLong()
  const texts = { ...pair, scope }
  const answered: Answered = {
    atMs: call.realm.nowMs(),
    // `tokenPair` mints the refresh token with its handle.
    successor: pair.refresh.intent.handle as Handle,
    question: questionOf(wanted),
    body: JSON.stringify(tokenMembers(texts)),
  }
  const consumeSealed = sealAnswer(call.realm, record, answered)
  return issueAnswer(call, authenticated, { texts, more: { consume: record, consumeSealed } })
}

/**
 * A used refresh token comes again. The first answer may have been lost if the time is short and its successor is
 * unused: then the same request gets the same answer byte for byte, however often, and a different request is refused.
 * Otherwise it is reuse, which ends the grant.
 */
async function usedAgain(
  call: Call,
  authenticated: Authenticated,
  { verdict, record, consumption }: Own & { readonly consumption: Consumption },
): Promise<Answer | Stale> {
  const { realm, options } = call
  const answered = openAnswer(realm, record, consumption)
  const isHeld = isSuspended(verdict)
  const isLate = answered === undefined || realm.nowMs() - answered.atMs >= options.replaySeconds * 1_000
  if (!isLate && (await realm.store.consumption(realm.ordinal, answered.successor)) === undefined)
    return isHeld ? suspended() : answeredAgain(wantedOf(call, authenticated, record), answered)
  const cause = {
    code: 'refresh_token_reuse',
    token: record.handle,
    grant: record.grant,
    rotatedAt: formatInstant(answered?.atMs ?? record.issuedAtMs),
    detectedAt: formatInstant(realm.nowMs()),
  }
  // A hold already covers the record, so a condition on it would make the revocation stale.
  return endGrant(call, authenticated, {
    grant: record.grant,
    cause,
    ...(isHeld ? {} : { onlyIfLive: record }),
  })
}

/** The kept answer fits one request only. Tokens of another scope or target must not pass for what this one asked. */
function answeredAgain(wanted: ReturnType<typeof wantedOf>, { question, body }: Answered): Answer {
  if ('refused' in wanted) return wanted.refused
  return questionOf(wanted) === question ? successText(body) : invalidGrant()
}

type Answered = {
  readonly atMs: number
  readonly successor: Handle
  /** Absent in answers of earlier versions: the request is then unknown. */
  readonly question?: string
  readonly body: string
}

const IS_ANSWERED = shaped({ atMs: 'number', successor: 'text', body: 'text' }, { question: 'text' })

/** The answer, encrypted so that only this realm can read it, for this token. */
function sealAnswer(realm: Realm, record: TokenRecord, answered: Answered): Uint8Array {
  const sealing = { key: keyOf(realm, record), associated: associated(realm, record), random: realm.random }
  return seal(sealing, Buffer.from(JSON.stringify(answered), 'utf8'))
}

function openAnswer(realm: Realm, record: TokenRecord, { sealed }: Consumption): Answered | undefined {
  if (sealed === undefined) return undefined
  const plain = unseal(keyOf(realm, record), sealed, associated(realm, record))
  return plain === undefined ? undefined : readValue<Answered>(plain, 'the answer of a refresh', IS_ANSWERED)
}

function keyOf(realm: Realm, { handle }: TokenRecord): Uint8Array {
  return subkey(realm.keys.sealKey, KEY_PURPOSES.refreshAnswer(handle))
}

function associated(realm: Realm, { handle, digest }: TokenRecord): string {
  return `refresh-answer:${realm.name}:${handle}:${digest}`
}

function familyOf(record: TokenRecord): Omit<Family, 'scope'> {
  const { client, subject, grant, session, tenant, ancestors, delegated } = record
  return {
    grantedAtMs: grantedAtMs(record),
    mintedBy: record.mintedBy,
    subject: subject ?? client ?? '',
    grant,
    ancestors,
    ...defined({ session, tenant, delegated }),
  }
}
