import {
  type Audit,
  type Caller,
  cutoffRule,
  deleteRecord,
  type Expectation,
  type Operation,
  putRecord,
  type Realm,
  whoOf,
} from '@rescind/authority'
import { Overloaded } from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import type { Target } from '@rescind/core/log'
import { cascade, type Plan } from './cascade.ts'
import { type Change, type ChangeOf, COLLECTIONS, type Kind } from './changes.ts'
import type { Cutoff } from './consequences.ts'

/** The message of both versions for `holds-credential`. */
export const HOLDS_CREDENTIAL = 'A name or a description contains a credential: remove it.'

/** Changes of one realm's directory that may wait for earlier ones. */
export const WRITES_WAITING_MAX = 256

export type DirectoryAct = {
  /** The caller. If its token is revoked meanwhile, the write is stale. */
  readonly caller: Caller
  /** Name of the call for the audit log, such as `identity.user.update`. */
  readonly how: string
  readonly why?: string
  /** Records that the request was judged by and that must not have changed. */
  readonly expects?: readonly Expectation[]
  /** More operations for the same write: an expiring entry, a consumed token. */
  readonly also?: readonly Operation[]
}

export type DirectoryWritten =
  | { readonly kind: 'written' }
  /** A record that was read has changed, or the caller was revoked: judge again (`untilFresh`). */
  | { readonly kind: 'stale' }
  /** A passcode in `also` was used before. */
  | { readonly kind: 'code-used' }
  /** A name or a description contains a credential of this server, which others could read there. */
  | { readonly kind: 'holds-credential' }
  /** Another record has this name. */
  | { readonly kind: 'name-taken' }
  /** It would touch more records than one write may (CASCADE_MAX). */
  | { readonly kind: 'too-many' }

/**
 * The only function that writes Identity records, for v2.0, v3 and the control API. The records, their dependents and
 * every revocation that follows are one write, durable before this returns.
 * @throws StoreUnavailable, Overloaded
 */
export function writeDirectory(
  realm: Realm,
  changes: readonly Change[],
  act: DirectoryAct,
): Promise<DirectoryWritten> {
  return oneByOne(realm, () => write(realm, changes, act))
}

async function write(realm: Realm, changes: readonly Change[], act: DirectoryAct): Promise<DirectoryWritten> {
  for (const { before, after } of changes)
    if (await holdsCredential(realm, { before, after })) return { kind: 'holds-credential' }
  const { seq: afterSeq } = realm.index
  const plan = await cascade(realm, changes)
  if (plan.kind === 'too-many') return plan
  const outcome = await realm.commit({
    realm: realm.ordinal,
    dependsOn: [act.caller.dependency],
    expects: act.expects ?? [],
    reads: { collections: plan.searched, afterSeq },
    operations: [...operationsOf(realm, plan, act), ...(act.also ?? [])],
  })
  if (outcome.kind === 'applied') return { kind: 'written' }
  if (outcome.kind !== 'conflict') return { kind: 'stale' }
  if (outcome.what === 'expiring-exists') return { kind: 'code-used' }
  return outcome.what === 'key-taken' ? { kind: 'name-taken' } : { kind: 'stale' }
}

type Text = { readonly before: unknown; readonly after: unknown }

/** Members that are not shown as text. */
const NO_TEXT = /(?:Hash|Digest|Sealed)$/

/** Whether a record gets new text, at any depth, that contains a credential. Text already in it is accepted. */
async function holdsCredential(realm: Realm, { before, after }: Text): Promise<boolean> {
  const stood = new Set(textsIn(before))
  for (const text of textsIn(after))
    if (!stood.has(text) && (await realm.keptText(text)) !== text) return true
  return false
}

function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value)) if (!NO_TEXT.test(name)) yield* textsIn(member)
}

function operationsOf(realm: Realm, { changes, cutoffs }: Plan, act: DirectoryAct): Operation[] {
  const { caller, how, why } = act
  const audit: Audit = { ...whoOf(caller), how, ...defined({ why }) }
  return operationsUnder(realm, { changes, cutoffs }, audit)
}

function operationsUnder(
  realm: Realm,
  { changes, cutoffs }: Pick<Plan, 'changes' | 'cutoffs'>,
  audit: Audit,
): Operation[] {
  const records = changes.flatMap((change) => recordOperations(realm, change, audit))
  const rows = cutoffs.map(({ shape, principals }): Operation => {
    return { kind: 'append', row: realm.row(cutoffRule(realm, shape, principals), audit) }
  })
  return [...records, ...rows]
}

function recordOperations<K extends Kind>(
  realm: Realm,
  change: ChangeOf<K>,
  audit: Audit,
): readonly Operation[] {
  const { of, id, fromVersion, before, after } = change
  const collection = COLLECTIONS[of]
  if (after !== undefined) return putRecord(realm, { collection, id, value: after, fromVersion }, audit)
  // Created and deleted in one act: nothing to write.
  if (before === undefined) return []
  return deleteRecord(realm, { collection: collection.name, id, fromVersion }, audit)
}

/**
 * The same records and revocations, as operations for another write, and the collections that were searched for them.
 * @throws Overloaded when they exceed one write.
 */
export async function changesWithAll(
  realm: Realm,
  { changes, written }: WithRules,
  audit: Audit,
): Promise<{ readonly operations: readonly Operation[]; readonly searched: readonly string[] }> {
  const plan = await cascade(realm, changes)
  if (plan.kind === 'too-many')
    throw new Overloaded('this rule would change more directory records than one write may: narrow it')
  const cutoffs = plan.cutoffs.filter((cutoff) => !written.some((target) => isSame(cutoff, target)))
  return { operations: operationsUnder(realm, { ...plan, cutoffs }, audit), searched: plan.searched }
}

type WithRules = {
  readonly changes: readonly Change[]
  /** Targets of rules that the same write has: a cutoff that equals one is not written twice. */
  readonly written: readonly Target[]
}

function isSame({ shape, principals }: Cutoff, target: Target): boolean {
  if (target.kind !== 'cut' || target.shape !== shape) return false
  const { issuedBeforeMs, asOf, basis } = target
  const isPlain = issuedBeforeMs === undefined && asOf === undefined && basis === undefined
  const [ours, theirs] = [principals, target.principals].map(({ source, subject, client, tenant }) =>
    JSON.stringify([source, subject, client, tenant]),
  )
  return isPlain && ours === theirs
}

type Line = { tail: Promise<unknown>; waiting: number }
const LINES: WeakMap<Realm, Line> = new WeakMap()

/**
 * Runs a realm's directory changes one at a time, so that memberships do not change during a cascade. What another process
 * changes meanwhile makes the write stale (`Write.reads`).
 */
async function oneByOne<T>(realm: Realm, task: () => Promise<T>): Promise<T> {
  const line = LINES.get(realm) ?? { tail: Promise.resolve(), waiting: 0 }
  LINES.set(realm, line)
  if (line.waiting >= WRITES_WAITING_MAX)
    throw new Overloaded('too many directory changes are waiting: try again')
  line.waiting += 1
  const mine = line.tail.then(task)
  // The next task starts even if this one fails; its own caller gets the error.
  line.tail = mine.then(
    () => undefined,
    () => undefined,
  )
  try {
    return await mine
  } finally {
    line.waiting -= 1
  }
}
