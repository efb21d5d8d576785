import {
  ASSIGNED_LIFETIME_MAX_MS,
  type Cutoff,
  cutoffHits,
  type GrantId,
  isRevoked,
  KEEP_FOREVER_MS,
  keptPast,
  type Position,
  type Principals,
  type Source,
  seqOf,
  type TokenFacts,
  type TokenRecord,
} from '@rescind/core'
import type { CutoffShape, CutoffTarget, RevokeRule, Rule, Target, TokenTarget } from '@rescind/core/log'
import type { Operation } from '../log/writes.ts'
import { type Audit, type Caller, type Cause, type Realm, whoOf } from './realm.ts'

export type Revoked =
  | {
      readonly kind: 'revoked'
      readonly at: Position
      readonly seq: number
      readonly previousCutoff?: Cutoff
    }
  /** What the caller's right rests on was revoked meanwhile: judge again. */
  | { readonly kind: 'stale' }

export type RevokeAct = {
  readonly caller: Caller
  /** Which call asked for it, for the audit: `oauth.revoke`. */
  readonly how: string
  readonly why?: string
  readonly cause?: Cause
  readonly note?: string
  /** A live record that this act must still find alive when it commits; else it is stale. */
  readonly onlyIfLive?: TokenRecord
  /** What else belongs to the same write, a directory change say. */
  readonly also?: readonly Operation[]
}

/** Ends one token, and what was derived from it; never its grant. */
export function revokeToken(realm: Realm, record: TokenRecord, act: RevokeAct): Promise<Revoked> {
  return revokeAll(realm, [tokenRule(record)], act)
}

export function tokenRule(record: TokenRecord): RevokeRule {
  const { source, digest, handle } = record
  // Assigned text may be presented for ever, and its expiry can be moved: the rule on it is kept for good.
  const keepUntilMs = record.kind === 'assigned' ? KEEP_FOREVER_MS : keptPast(record.expiresAtMs)
  return { kind: 'revoke', target: { kind: 'token', source, digest, handle }, keepUntilMs }
}

/**
 * A rule on anything but one token of ours. The commit decides how long it is kept (`Keeping`); what it is asked for here
 * is what only the maker knows: the realm's longest lifetime, and the `exp` of a foreign token whose text was `presented` and
 * verified. The `jti` of one that nobody has shown may live for any time.
 */
export function ruleOn(
  realm: Realm,
  target: Exclude<Target, TokenTarget>,
  presented?: Pick<TokenFacts, 'expiresAtMs'>,
): RevokeRule {
  if (target.kind !== 'foreign') {
    const keepUntilMs =
      realm.isClockBehind && isOfLogin(target)
        ? KEEP_FOREVER_MS
        : keptPast(realm.nowMs() + longestLifeMs(realm, target))
    return { kind: 'revoke', target, keepUntilMs }
  }
  const keepUntilMs = presented === undefined ? KEEP_FOREVER_MS : keptPast(presented.expiresAtMs)
  return { kind: 'revoke', target, keepUntilMs }
}

/** What may be minted after the rule is hit by it, too: how long that goes on is counted from the rule's own time. */
function isOfLogin(target: Target): boolean {
  return target.kind === 'session' || (target.kind === 'cut' && target.basis === 'authenticated')
}

/** Ends a grant: its refresh tokens, its access tokens, whatever descends from them. */
export function revokeGrant(
  realm: Realm,
  of: { source: Source; grant: GrantId },
  act: RevokeAct,
): Promise<Revoked> {
  return revokeAll(realm, [ruleOn(realm, { kind: 'grant', source: of.source, grant: of.grant })], act)
}

/** Ends everything about some principals that was issued so far: one append, however much it covers. */
export function revokePrincipals(
  realm: Realm,
  cutoff: Omit<CutoffTarget, 'kind'>,
  act: RevokeAct,
): Promise<Revoked> {
  return revokeAll(realm, [ruleOn(realm, { kind: 'cut', ...cutoff })], act)
}

/** The cutoff itself, for a write that carries it beside a directory change. */
export function cutoffRule(realm: Realm, shape: CutoffShape, principals: Principals): RevokeRule {
  return ruleOn(realm, { kind: 'cut', shape, principals })
}

/**
 * Whether a cutoff ended this token, and nothing earlier had: what a caller of "revoke all" is told. Sound for as long
 * as the index has not dropped the cutoff.
 */
export function endedByCutoff(realm: Realm, record: TokenRecord, cutoff: EndedBy): boolean {
  if (record.position >= cutoff.at || record.expiresAtMs <= realm.nowMs()) return false
  if (
    cutoff.previousCutoff !== undefined &&
    cutoffHits(cutoff.previousCutoff, record.position, record.issuedAtMs)
  )
    return false
  return !isRevoked(record, realm.index, cutoff.shape)
}

export type EndedBy = {
  readonly shape: CutoffShape
  readonly at: Position
  readonly previousCutoff?: Cutoff | undefined
}

/** Writes all of these rules in one write; the last one's row stands for the whole. */
export async function revokeAll(
  realm: Realm,
  rules: readonly RevokeRule[],
  act: RevokeAct,
): Promise<Revoked> {
  const { onlyIfLive } = act
  const audit = auditOf(act)
  const target = onlyIfLive === undefined ? [] : [{ realm: realm.ordinal, facts: onlyIfLive }]
  const outcome = await realm.commit({
    realm: realm.ordinal,
    dependsOn: [act.caller.dependency, ...target],
    expects: [],
    operations: [...(act.also ?? []), ...rowsOf(realm, rules, audit)],
  })
  if (outcome.kind !== 'applied') return { kind: 'stale' }
  const { at, previousCutoff } = outcome
  // The revocation is the write's last row, behind what changed with it.
  const seq = seqOf(at)
  return previousCutoff === undefined
    ? { kind: 'revoked', at, seq }
    : { kind: 'revoked', at, seq, previousCutoff }
}

/** Rules as rows of one write; of several each says which one it is. */
export function rowsOf(realm: Realm, rules: readonly Rule[], audit: Audit): readonly Operation[] {
  const [only] = rules
  if (only !== undefined && rules.length === 1) return [{ kind: 'append', row: realm.row(only, audit) }]
  return rules.map((rule, at) => {
    const part = [at + 1, rules.length] as const
    return { kind: 'append', row: realm.row(rule, { ...audit, part }) }
  })
}

function auditOf({ caller, how, why, cause, note }: RevokeAct): Audit {
  const plain = { ...whoOf(caller), how }
  if (!why && cause === undefined && note === undefined) return plain
  return {
    ...plain,
    ...(why ? { why } : {}),
    ...(cause === undefined ? {} : { cause }),
    ...(note === undefined ? {} : { note }),
  }
}

/** The longest that anything a rule covers can live: assigned text lives as long as whoever chose it says. */
function longestLifeMs({ lifetimes, minting }: Realm, target: Exclude<Target, TokenTarget>): number {
  const source = target.kind === 'cut' ? target.principals.source : 'source' in target ? target.source : ''
  const coversAssigned =
    (target.kind === 'cut' && target.shape === 'realm') || minting.mints(source, 'assigned')
  return coversAssigned ? Math.max(ASSIGNED_LIFETIME_MAX_MS, lifetimes.highestMs) : lifetimes.highestMs
}
