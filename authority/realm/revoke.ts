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
  /** The caller's right was revoked meanwhile: judge again. */
  | { readonly kind: 'stale' }

export type RevokeAct = {
  readonly caller: Caller
  /** The call that asked for it, for the audit: `oauth.revoke`. */
  readonly how: string
  readonly why?: string
  readonly cause?: Cause
  readonly note?: string
  /** This record must still be live at the commit; otherwise the act is stale. */
  readonly onlyIfLive?: TokenRecord
  /** More operations for the same write, such as a directory change. */
  readonly also?: readonly Operation[]
}

/** Ends one token and everything derived from it; never its grant. */
export function revokeToken(realm: Realm, record: TokenRecord, act: RevokeAct): Promise<Revoked> {
  return revokeAll(realm, [tokenRule(record)], act)
}

export function tokenRule(record: TokenRecord): RevokeRule {
  const { source, digest, handle } = record
  // Assigned text can be presented for ever, and its expiry can be moved, so the rule on it is kept for good.
  const keepUntilMs = record.kind === 'assigned' ? KEEP_FOREVER_MS : keptPast(record.expiresAtMs)
  return { kind: 'revoke', target: { kind: 'token', source, digest, handle }, keepUntilMs }
}

/**
 * A rule on anything but one token of ours. The commit decides how long it is kept (`Keeping`). The keep set here is what
 * only the maker knows: the realm's longest lifetime, or the `exp` of a foreign token whose text was `presented` and
 * verified. A `jti` without its token may belong to one of unlimited life.
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

/** Whether the rule also hits tokens minted after it. How long that goes on counts from the rule's own time. */
function isOfLogin(target: Target): boolean {
  return target.kind === 'session' || (target.kind === 'cut' && target.basis === 'authenticated')
}

/** Ends a grant: its refresh tokens, its access tokens, and all their descendants. */
export function revokeGrant(
  realm: Realm,
  of: { source: Source; grant: GrantId },
  act: RevokeAct,
): Promise<Revoked> {
  return revokeAll(realm, [ruleOn(realm, { kind: 'grant', source: of.source, grant: of.grant })], act)
}

/** Ends everything issued to some principals so far: one append, however much it covers. */
export function revokePrincipals(
  realm: Realm,
  cutoff: Omit<CutoffTarget, 'kind'>,
  act: RevokeAct,
): Promise<Revoked> {
  return revokeAll(realm, [ruleOn(realm, { kind: 'cut', ...cutoff })], act)
}

/** The cutoff alone, for a write that also carries a directory change. */
export function cutoffRule(realm: Realm, shape: CutoffShape, principals: Principals): RevokeRule {
  return ruleOn(realm, { kind: 'cut', shape, principals })
}

/**
 * Whether this cutoff, and nothing earlier, ended this token; the answer of "revoke all" lists such tokens. Valid until the
 * index drops the cutoff.
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

/** Writes all of these rules in one write; the result names the last one's row. */
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
  // The revocation's row is the write's last, after the rows of other changes.
  const seq = seqOf(at)
  return previousCutoff === undefined
    ? { kind: 'revoked', at, seq }
    : { kind: 'revoked', at, seq, previousCutoff }
}

/** Rules as rows of one write. If there are several, each audit gives the row's number. */
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

/** The longest possible life under a rule; assigned text may live as long as its customer chose. */
function longestLifeMs({ lifetimes, minting }: Realm, target: Exclude<Target, TokenTarget>): number {
  const source = target.kind === 'cut' ? target.principals.source : 'source' in target ? target.source : ''
  const coversAssigned =
    (target.kind === 'cut' && target.shape === 'realm') || minting.mints(source, 'assigned')
  return coversAssigned ? Math.max(ASSIGNED_LIFETIME_MAX_MS, lifetimes.highestMs) : lifetimes.highestMs
}
