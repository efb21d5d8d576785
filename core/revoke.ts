import { type Cut, cutHits } from './cut-table.ts'
import type { GrantId } from './ids.ts'
import { ASSIGNED_LIFETIME_MAX_MS, KEEP_FOREVER_MS, KEEP_MARGIN_MS, LIFETIME_MAX_MS } from './lifetimes.ts'
import { type Position, seqOf } from './position.ts'
import type { Audit, Caller, Cause, Realm } from './realm.ts'
import type { Principals, Source, TokenRecord } from './records.ts'
import type { CutShape, CutTarget, RevokeRule, Target } from './rules.ts'
import type { Operation } from './units.ts'
import { isRevoked } from './verdict.ts'

export type Revoked =
  | { readonly kind: 'revoked'; readonly at: Position; readonly seq: number; readonly previousCut?: Cut }
  /** What the caller's right rests on was revoked meanwhile: judge again. */
  | { readonly kind: 'stale' }

export type RevokeAct = {
  readonly caller: Caller
  /** Which call asked for it, for the audit: `oauth.revoke`. */
  readonly how: string
  readonly why?: string
  readonly cause?: Cause
  /** A live record that this act must still find alive when it commits; else it is stale. */
  readonly onlyIfLive?: TokenRecord
  /** What else belongs to the same unit, a directory change say. */
  readonly also?: readonly Operation[]
}

/** Ends one token, and what was derived from it; never its grant. */
export function revokeToken(realm: Realm, record: TokenRecord, act: RevokeAct): Promise<Revoked> {
  const { source, digest, handle } = record
  // Assigned text may be presented for ever, and its expiry can be moved: the rule on it is kept for good.
  const keepUntilMs = record.kind === 'assigned' ? KEEP_FOREVER_MS : record.expiresAtMs + KEEP_MARGIN_MS
  return revokeTarget(
    realm,
    { kind: 'revoke', target: { kind: 'token', source, digest, handle }, keepUntilMs },
    act,
  )
}

/** Ends a grant: its refresh tokens, its access tokens, whatever descends from them. */
export function revokeGrant(
  realm: Realm,
  of: { source: Source; grant: GrantId },
  act: RevokeAct,
): Promise<Revoked> {
  const keepUntilMs = realm.nowMs() + longestLifeMs('source', of.source) + KEEP_MARGIN_MS
  const target: Target = { kind: 'grant', source: of.source, grant: of.grant }
  return revokeTarget(realm, { kind: 'revoke', target, keepUntilMs }, act)
}

/** Ends everything about some principals that was issued so far: one append, however much it covers. */
export function revokePrincipals(
  realm: Realm,
  cut: Omit<CutTarget, 'kind'>,
  act: RevokeAct,
): Promise<Revoked> {
  const target: CutTarget = { kind: 'cut', ...cut }
  return revokeTarget(realm, { ...cutRule(realm, cut.shape, cut.principals), target }, act)
}

/** The cut-off itself, for a unit that carries it beside a directory change. */
export function cutRule(realm: Realm, shape: CutShape, principals: Principals): RevokeRule {
  const keepUntilMs = realm.nowMs() + longestLifeMs(shape, principals.source) + KEEP_MARGIN_MS
  return { kind: 'revoke', target: { kind: 'cut', shape, principals }, keepUntilMs }
}

/**
 * Whether a cut ended this token, and nothing earlier had: what a caller of "revoke all" is told. Sound for as long
 * as the index has not dropped the cut.
 */
export function endedByCut(realm: Realm, record: TokenRecord, cut: EndedBy): boolean {
  if (record.position >= cut.at || record.expiresAtMs <= realm.nowMs()) return false
  if (cut.previousCut !== undefined && cutHits(cut.previousCut, record.position, record.issuedAtMs))
    return false
  return !isRevoked(record, realm.index, cut.shape)
}

export type EndedBy = {
  readonly shape: CutShape
  readonly at: Position
  readonly previousCut?: Cut | undefined
}

async function revokeTarget(realm: Realm, rule: RevokeRule, act: RevokeAct): Promise<Revoked> {
  const { caller, onlyIfLive } = act
  const audit: Audit = {
    by: caller.id,
    from: caller.from,
    how: act.how,
    ...(act.why ? { why: act.why } : {}),
    ...(act.cause === undefined ? {} : { cause: act.cause }),
  }
  const target = onlyIfLive === undefined ? [] : [{ realm: realm.ordinal, facts: onlyIfLive }]
  const outcome = await realm.commit({
    realm: realm.ordinal,
    standsOn: [caller.standing, ...target],
    expects: [],
    operations: [...(act.also ?? []), { kind: 'append', row: realm.row(rule, audit) }],
  })
  if (outcome.kind !== 'applied') return { kind: 'stale' }
  const { at, previousCut } = outcome
  // The revocation is the unit's last row, behind what changed with it.
  const seq = seqOf(at)
  return previousCut === undefined ? { kind: 'revoked', at, seq } : { kind: 'revoked', at, seq, previousCut }
}

/** The longest that anything a cut covers can live: only chat apps have assigned text. */
function longestLifeMs(shape: CutShape, source: Source): number {
  const coversAssigned = shape === 'realm' || source.startsWith('chat/')
  return coversAssigned ? ASSIGNED_LIFETIME_MAX_MS : LIFETIME_MAX_MS
}
