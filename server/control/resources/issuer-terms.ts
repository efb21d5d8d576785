import {
  type Entry,
  ISSUER_TERMS,
  type IssuerTerms,
  type IssuerValue,
  keptRows,
  type Operation,
  putRecord,
  type Realm,
} from '@rescind/authority'
import { KEEP_FOREVER_MS, LIFETIME_MAX_MS, type Position, position } from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import { type CutoffTarget, decodeRule, type LogRow, type RevokeRule, rowKindOf } from '@rescind/core/log'
import { foreignSource } from '@rescind/core/tokens'
import type { Stale } from '@rescind/dialects'
import { type Problem, problem } from '../../http/problem.ts'
import { auditOf, commitChange } from '../frame/change.ts'
import type { Ask } from '../frame/endpoint.ts'

const ROWS_PER_READ = 1_000
/** Rows per write. A flush of so many takes some milliseconds, so other writes wait only briefly. */
const ROWS_PER_WRITE = 100
const LIFTED = 'kept for good: tokens of the issuer need not say when they were issued'

type Asking = Pick<Ask, 'realm' | 'by' | 'how'>

/** An issuer's record after its terms were checked, and the operations to write with it. */
export type Termed = { readonly value: IssuerValue; readonly operations: readonly Operation[] }

/**
 * Checks an issuer's record against all earlier terms of the issuer, and stores its new terms. Rules rely on the terms
 * that they were written under. So a session limit never rises, and before a token may lack `iat`, every cutoff that
 * could miss it is kept for good.
 */
export async function termed(
  ask: Asking,
  value: IssuerValue,
  { id, version: before }: Pick<Entry<IssuerValue>, 'id' | 'version'>,
): Promise<Termed | Problem | Stale> {
  const { realm } = ask
  const known = await realm.directory.state(ISSUER_TERMS, id)
  const terms = known.entry?.value ?? (await newTerms(realm, value, before))
  const limit = terms.maxSessionSeconds
  if (limit !== undefined && (value.maxSessionSeconds ?? 0) > limit)
    return problem(422, `maxSessionSeconds: it may be lowered, never raised; ${limit} was agreed once`)
  const session = value.maxSessionSeconds ?? limit
  const next: IssuerTerms = {
    ...terms,
    ...defined({ maxSessionSeconds: session, withoutIat: value.withoutIat === true ? 'lifted' : undefined }),
  }
  const settled = session === undefined ? value : { ...value, maxSessionSeconds: session }
  let { version } = known
  if (value.withoutIat === true && terms.withoutIat !== 'lifted') {
    if (realm.nowMs() - terms.registeredAtMs >= LIFETIME_MAX_MS) return TOO_LATE
    const announced = await announce(ask, { id, version, terms })
    if (announced === 'stale' || (await lift(ask, foreignSource(value.issuer))) === 'stale') return 'stale'
    version = announced
  }
  if (known.entry !== undefined && JSON.stringify(next) === JSON.stringify(terms))
    return { value: settled, operations: [] }
  const put = { collection: ISSUER_TERMS, id, value: next, fromVersion: version }
  return { value: settled, operations: putRecord(realm, put, auditOf(ask)) }
}

const TOO_LATE: Problem = problem(
  409,
  'withoutIat: cut-offs over its principals may have ended since it was registered, 400 days ago or more; ' +
    'a token that does not say when it was issued could slip under them',
)

/** An issuer that was registered before terms were stored counts as old as the realm. */
async function newTerms(realm: Realm, { issuer }: IssuerValue, before: number): Promise<IssuerTerms> {
  return { issuer, registeredAtMs: before > 0 ? await beganAtMs(realm) : realm.nowMs() }
}

/** When the realm was made. The first row of a log tells of its first epoch, and is always kept. */
async function beganAtMs({ store, ordinal }: Realm): Promise<number> {
  const [kept] = await store.keptRows(ordinal, 0, 1)
  const [first] = kept === undefined ? await store.rowsAfter(ordinal, 0, 1) : [kept]
  return first?.atMs ?? 0
}

type Known = { readonly id: string; readonly version: number; readonly terms: IssuerTerms }

/** From here on, commits keep every cutoff for good. @returns the version of the terms. */
async function announce(ask: Asking, { id, version, terms }: Known): Promise<number | 'stale'> {
  if (terms.withoutIat === 'announced') return version
  const value: IssuerTerms = { ...terms, withoutIat: 'announced' }
  const put = { collection: ISSUER_TERMS, id, value, fromVersion: version }
  const outcome = await commitChange(ask, putRecord(ask.realm, put, auditOf(ask)))
  return outcome.kind === 'applied' ? version + 1 : 'stale'
}

/** Writes existing cutoffs again, with their old position and time, so that every reader keeps them. */
async function lift(ask: Asking, source: string): Promise<'done' | 'stale'> {
  let due: Operation[] = []
  for await (const row of allRows(ask.realm)) {
    const rule = liftable(ask.realm, row, source)
    if (rule === undefined) continue
    due.push({ kind: 'append', row: ask.realm.row(rule, auditOf(ask, LIFTED)) })
    if (due.length < ROWS_PER_WRITE) continue
    if ((await commitChange(ask, due)).kind !== 'applied') return 'stale'
    due = []
  }
  if (due.length === 0) return 'done'
  return (await commitChange(ask, due)).kind === 'applied' ? 'done' : 'stale'
}

/** Every remaining row of a log, up to its head when this began. */
async function* allRows({ store, ordinal, index }: Realm): AsyncGenerator<LogRow, void> {
  const through = index.seq
  yield* keptRows(store, ordinal)
  let after = (await store.anchor(ordinal)).seq
  while (after < through) {
    const rows = await store.rowsAfter(ordinal, after, ROWS_PER_READ)
    yield* rows.filter(({ seq }) => seq <= through)
    const last = rows.at(-1)
    if (last === undefined) return
    after = last.seq
  }
}

/** A cutoff that hits tokens of this source and would expire, as a rule that keeps its position. */
function liftable(realm: Realm, row: LogRow, source: string): RevokeRule | undefined {
  if (rowKindOf(row) !== 'revoke') return undefined
  const rule = decodeRule(row)
  if (rule.kind !== 'revoke' || rule.target.kind !== 'cut') return undefined
  const { target } = rule
  if (target.shape !== 'realm' && target.principals.source !== source) return undefined
  if (realm.index.keptUntilMs(row, rule) >= KEEP_FOREVER_MS) return undefined
  const asOf = target.asOf ?? { at: positionAt(realm, row.seq), atMs: row.atMs }
  const kept: CutoffTarget = { ...target, asOf }
  return { kind: 'revoke', target: kept, keepUntilMs: KEEP_FOREVER_MS }
}

function positionAt({ index }: Realm, seq: number): Position {
  const epoch = index.epochs.findLast((one) => one.seq <= seq)
  return position(epoch?.ordinal ?? 0, seq)
}
