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
import { cascade, type Plan } from './cascade.ts'
import { type Change, type ChangeOf, COLLECTIONS, type Kind } from './changes.ts'

/** What both versions say when a change `holds-credential`. */
export const HOLDS_CREDENTIAL = 'A name or a description holds a credential. It is not kept.'

/** Changes of one realm's directory that may wait for the one before them. */
export const WRITES_WAITING_MAX = 256

export type DirectoryAct = {
  /** Who acts; what it may do ends with its token, so a caller that was revoked meanwhile is stale. */
  readonly caller: Caller
  /** Which call asked for it, for the audit: `identity.user.update`. */
  readonly how: string
  readonly why?: string
  /** Records that were judged by, and must not have changed since. */
  readonly expects?: readonly Expectation[]
  /** What else belongs to the same write: an expiring entry, a token that is used up. */
  readonly also?: readonly Operation[]
}

export type DirectoryWritten =
  | { readonly kind: 'written' }
  /** Something that was read has changed, or the caller was revoked: judge again (`untilFresh`). */
  | { readonly kind: 'stale' }
  /** A passcode among `also` served before. */
  | { readonly kind: 'code-used' }
  /** A name or a description holds a credential of this server; it would stand there for all to read. */
  | { readonly kind: 'holds-credential' }
  /** Another record has this name. */
  | { readonly kind: 'name-taken' }
  /** It would touch more records than one write holds (CASCADE_MAX). */
  | { readonly kind: 'too-many' }

/**
 * The one way by which Identity records are written, in v2.0, v3 and the control API alike: the records, what goes with
 * them, and every revocation that follows are one write, durable before this returns.
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
  const plan = await cascade(realm, changes)
  if (plan.kind === 'too-many') return plan
  const outcome = await realm.commit({
    realm: realm.ordinal,
    dependsOn: [act.caller.dependency],
    expects: act.expects ?? [],
    operations: [...operationsOf(realm, plan, act), ...(act.also ?? [])],
  })
  if (outcome.kind === 'applied') return { kind: 'written' }
  if (outcome.kind !== 'conflict') return { kind: 'stale' }
  if (outcome.what === 'expiring-exists') return { kind: 'code-used' }
  return outcome.what === 'key-taken' ? { kind: 'name-taken' } : { kind: 'stale' }
}

type Text = { readonly before: unknown; readonly after: unknown }

/** Members that nobody reads as text. */
const NO_TEXT = /(?:Hash|Digest|Sealed)$/

/** Whether a record gets text, at any depth, that holds a credential; what stood anywhere in it before is let be. */
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

function operationsUnder(realm: Realm, { changes, cutoffs }: Plan, audit: Audit): Operation[] {
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
  // Made and deleted in one act: nothing to write.
  if (before === undefined) return []
  return deleteRecord(realm, { collection: collection.name, id, fromVersion }, audit)
}

/**
 * The same records and revocations as operations of a write that is about something else.
 * @throws Overloaded when that would touch more than one write holds.
 */
export async function changesWithAll(
  realm: Realm,
  changes: readonly Change[],
  audit: Audit,
): Promise<readonly Operation[]> {
  const plan = await cascade(realm, changes)
  if (plan.kind === 'too-many')
    throw new Overloaded('a rule would take more of the directory along than fits')
  return operationsUnder(realm, plan, audit)
}

type Line = { tail: Promise<unknown>; waiting: number }
const LINES: WeakMap<Realm, Line> = new WeakMap()

/** This process owns the store, so a line per realm is enough: who belongs to what stands still during a cascade. */
async function oneByOne<T>(realm: Realm, task: () => Promise<T>): Promise<T> {
  const line = LINES.get(realm) ?? { tail: Promise.resolve(), waiting: 0 }
  LINES.set(realm, line)
  if (line.waiting >= WRITES_WAITING_MAX) throw new Overloaded('too many changes of the directory wait')
  line.waiting += 1
  const mine = line.tail.then(task)
  // The next one starts whatever became of this one; who asked for this one is told.
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
