import {
  type Audit,
  type Caller,
  isStoredTarget,
  type Members,
  type Operation,
  type Outcome,
  type Realm,
  rowsOf,
  ruleOn,
  shaped,
  type Write,
} from '@rescind/authority'
import { KEEP_FOREVER_MS, Overloaded } from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import type { CutoffAsOf, RevokeRule, Target } from '@rescind/core/log'
import { credentialsEnded, IDENTITY_LOGINS, type IdentityLogin } from '@rescind/dialects'

/** A rule to write later, as it was resolved when it was requested. */
export type KeptRule = {
  readonly targets: readonly Target[]
  /** For one token that was presented, ours or foreign: how long a rule on it must be kept. */
  readonly tokenKeepUntilMs?: number
  readonly skewSeconds?: number
  /** Whether the person's long-lived credentials stay; absent: they end with a cutoff over that person. */
  readonly keepCredentials?: boolean
  /** As `Ruling.alsoEnds`. */
  readonly alsoEnds?: readonly IdentityLogin[]
  readonly reason: string
  readonly note?: string
  /** The author of the request. */
  readonly by: string
  /** As `Audit.byName`. */
  readonly byName?: string
  /** As `Audit.byOwner`. */
  readonly byOwner?: string
}

/** Whether stored members form a kept rule. One target, or one login, of an unknown kind refuses the whole rule. */
export function isKeptRule(value: Members): boolean {
  const { targets, alsoEnds = [] } = value
  if (!SHAPE(value) || !Array.isArray(targets) || !Array.isArray(alsoEnds)) return false
  return targets.length > 0 && targets.every(isStoredTarget) && alsoEnds.every(isLogin)
}

/** Approving a rule that leaves a login open, which the request named, would be a false all-clear. */
function isLogin(one: unknown): boolean {
  return IDENTITY_LOGINS.some((login) => login === one)
}

const SHAPE = shaped(
  { targets: 'list', reason: 'text', by: 'text' },
  {
    byName: 'text',
    byOwner: 'text',
    note: 'text',
    tokenKeepUntilMs: 'number',
    skewSeconds: 'number',
    keepCredentials: 'flag',
    alsoEnds: 'texts',
  },
)

/** Its rules as of now; with `asOf`, they end nothing that was issued after that. */
export function rulesNow(realm: Realm, kept: KeptRule, asOf?: CutoffAsOf): readonly RevokeRule[] {
  return kept.targets.map((target) => {
    if (target.kind === 'token' || target.kind === 'foreign')
      return { kind: 'revoke', target, keepUntilMs: kept.tokenKeepUntilMs ?? KEEP_FOREVER_MS }
    return ruleOn(realm, target.kind === 'cut' && asOf !== undefined ? { ...target, asOf } : target)
  })
}

/** Rules to write, and who writes them why. */
export type Ruling = {
  readonly rules: readonly RevokeRule[]
  readonly audit: Audit
  /** Whether long-lived credentials stay; absent: they end with a cutoff over their person. */
  readonly keepCredentials?: boolean | undefined
  /** What else of its logins ends with a cutoff over a person. */
  readonly alsoEnds?: readonly IdentityLogin[] | undefined
}

/** The part of a write that holds the rows of rules, after what ends credentials in the Identity directory. */
export type RulingRows = Pick<Write, 'operations' | 'expects' | 'reads'>

export type Ruled = { readonly outcome: Applied; readonly rows: readonly Operation[] }
type Applied = Extract<Outcome, { readonly kind: 'applied' }>

/** Passes over credentials that are made while their person's rule is written. */
const PASSES_MAX = 8

/**
 * Commits rules and the end of the credentials that end with them, as one write. Whoever makes credentials without a pause must
 * not hold a rule off: if that write fails, the rules are written by themselves, and then ends what was made until then.
 * @returns undefined: judge again. @throws Overloaded when it does not come to an end; the rules are in force then.
 */
export async function commitRules(
  realm: Realm,
  ruling: Ruling,
  commit: (rows: RulingRows) => Promise<Outcome>,
): Promise<Ruled | undefined> {
  const { rules, audit, keepCredentials = false } = ruling
  const ended = keepCredentials ? NOTHING : await credentialsEnded(realm, ruling, audit)
  const whole = await commitRows(commit, {
    ...ended,
    operations: [...ended.operations, ...rowsOf(realm, rules, audit)],
  })
  if (whole !== undefined || ended.reads === undefined) return whole
  const alone = await commitRows(commit, { operations: rowsOf(realm, rules, audit), expects: [] })
  if (alone !== undefined) await endMadeMeanwhile(realm, ruling)
  return alone
}

const NOTHING: RulingRows = { operations: [], expects: [] }

async function commitRows(
  commit: (rows: RulingRows) => Promise<Outcome>,
  rows: RulingRows,
): Promise<Ruled | undefined> {
  const outcome = await commit(rows)
  return outcome.kind === 'applied' ? { outcome, rows: rows.operations } : undefined
}

/** The tokens by which credentials were made are dead by now, so only new logins could make more. */
async function endMadeMeanwhile(realm: Realm, { rules, audit, alsoEnds }: Ruling): Promise<void> {
  // The mark of a call finds its rules, and nothing else.
  const { once: _once, ...rest } = audit
  for (let pass = 0; pass < PASSES_MAX; pass += 1) {
    // What is made of others meanwhile does not matter: the next pass sees whether something is left.
    const { operations } = await credentialsEnded(realm, { rules, alsoEnds }, rest)
    if (operations.length === 0) return
    await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  }
  throw new Overloaded('the rule is in force, but credentials of this person are still being made: try again')
}

/** The author of what the server does by itself. */
export const SERVER: Pick<Caller, 'id' | 'from'> = { id: 'server', from: 'local' }

/** The audit's members besides author and reason. */
export function auditMembers({ note, skewSeconds }: KeptRule): Pick<Audit, 'note' | 'skewSeconds'> {
  return defined({ note, skewSeconds })
}
