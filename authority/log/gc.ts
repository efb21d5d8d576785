import { isRevoked, type RealmOrdinal, type TokenFacts, type TokenRecord } from '@rescind/core'
import { STRANGE } from '../directory/stored-json.ts'
import type { ExpiredEntry, ExpiredPlace, Store } from '../ports.ts'
import type { Realm } from '../realm/realm.ts'
import type { Realms } from '../realm/realms.ts'
import { type Operation, UPKEEP } from './writes.ts'

/** Maximum records removed in one step: a flush of some milliseconds, so that nothing waits long behind it. */
export const GC_BATCH_MAX = 200

/** Length of a digest; what is stored in its place may be longer. */
const DIGEST_CHARS = 43

export type Staying = { after: ExpiredPlace | undefined }

export type Collecting = {
  /** Records per step; absent: GC_BATCH_MAX, which is also the most. */
  readonly limit?: number
  /** How long a token's record stays after its end, for queries about tokens that expired recently. */
  readonly keptMs?: number
  /** Runs a step's task for one realm; @returns whether it succeeded. A failure delays no other realm. */
  readonly each?: (realm: Realm, task: () => Promise<unknown>) => Promise<boolean>
  /** The last record that could not be removed so far; what is before it is skipped. */
  readonly staying?: Staying
}

/**
 * One step of garbage collection: removes records of tokens that ended at or below the durable floor. Sealed text goes with
 * its record. A revoked assigned text leaves its digest for good, so that it is never bound again.
 * @returns how many records it looked at; fewer than the limit means that nothing is left to do now.
 */
export async function collectExpired(realms: Realms, store: Store, how: Collecting = {}): Promise<number> {
  const belowMs = realms.ledger.durableFloorMs - (how.keptMs ?? 0)
  const found = await store.expiredTokens(belowMs, how.limit ?? GC_BATCH_MAX, how.staying?.after)
  const expired: Readable[] = []
  for (const { realm, digest, record } of found) {
    if (record === undefined) await tellUnreadable(realms, realm, digest)
    else expired.push({ realm, record })
  }
  const done = await remove(realms, { expired, removing: forgetting }, how)
  // An unreadable record stays, because nothing shows whether it must leave a tombstone. The others go.
  const left = found.filter(({ realm, record }) => record === undefined || !done.has(realm))
  stepOver(left, how.staying)
  return found.length
}

/** The same for expiring entries. */
export async function collectEntries(realms: Realms, store: Store, how: Collecting = {}): Promise<number> {
  const expired = await store.expiredEntries(
    realms.ledger.durableFloorMs,
    how.limit ?? GC_BATCH_MAX,
    how.staying?.after,
  )
  const done = await remove(realms, { expired, removing: dropping }, how)
  stepOver(
    expired.filter(({ realm }) => !done.has(realm)),
    how.staying,
  )
  return expired.length
}

type Readable = { readonly realm: RealmOrdinal; readonly record: TokenRecord }

async function tellUnreadable(realms: Realms, ordinal: RealmOrdinal, digest: string): Promise<void> {
  const realm = await realms.ofOrdinal(ordinal)
  realm?.unreadable({ what: 'token', name: `tokens/${digest.slice(0, DIGEST_CHARS)}`, why: STRANGE })
}

type Removal<T> = {
  readonly expired: readonly T[]
  readonly removing: (realm: Realm, one: T) => Removing
}

function stepOver(left: readonly { readonly place: ExpiredPlace }[], staying: Staying | undefined): void {
  const last = left.at(-1)
  if (staying !== undefined && last !== undefined) staying.after = last.place
}

/** @returns the realms whose records were removed. */
async function remove<T extends { readonly realm: RealmOrdinal }>(
  realms: Realms,
  { expired, removing }: Removal<T>,
  { each }: Collecting,
): Promise<ReadonlySet<RealmOrdinal>> {
  const byRealm = Map.groupBy(expired, ({ realm }) => realm)
  const done = new Set<RealmOrdinal>()
  for (const [ordinal, own] of byRealm) {
    const realm = await realms.ofOrdinal(ordinal)
    // The index of a rolled-back log may lack a revocation; removing its token would lose the tombstone.
    if (realm === undefined || realms.ledger.isSuspended(ordinal)) continue
    const gone = own.map((one) => removing(realm, one))
    const task = (): Promise<unknown> => removeIn(realm, gone)
    if (each === undefined) await task()
    else if (!(await each(realm, task))) continue
    done.add(ordinal)
  }
  return done
}

async function removeIn(realm: Realm, gone: readonly Removing[]): Promise<void> {
  const { sweep } = realm.store
  const swept = sweep === undefined ? [] : gone.filter(({ inOrder }) => !inOrder)
  if (swept.length > 0)
    await realm.sweep({
      tokens: swept.flatMap(({ operation }) => (operation.kind === 'forget-token' ? [operation.token] : [])),
      entries: swept.flatMap(({ operation }) =>
        operation.kind === 'drop-expiring'
          ? [{ ...operation.entry, ifExpiresAtMs: operation.ifExpiresAtMs }]
          : [],
      ),
    })
  const written = sweep === undefined ? gone : gone.filter(({ inOrder }) => inOrder)
  const operations = written.map(({ operation }) => operation)
  // Stale: another process has revoked one of them meanwhile. They are found again, and that one leaves a tombstone.
  const unlessRevoked = written.flatMap(({ unlessRevoked: facts }) => facts ?? [])
  if (operations.length > 0)
    await realm.commit({ realm: realm.ordinal, ...UPKEEP, operations, unlessRevoked })
}

/** `inOrder`: whether it may leave a tombstone, which is a negative fact and is written like one. */
type Removing = {
  readonly operation:
    | Extract<Operation, { readonly kind: 'forget-token' }>
    | (Extract<Operation, { readonly kind: 'drop-expiring' }> & { readonly ifExpiresAtMs: number })
  readonly inOrder: boolean
  /** The token, if it leaves none because no rule hits it. */
  readonly unlessRevoked?: TokenFacts
}

function dropping(_realm: Realm, { entry: { kind, id, expiresAtMs } }: ExpiredEntry): Removing {
  return {
    operation: { kind: 'drop-expiring', entry: { kind, id }, ifExpiresAtMs: expiresAtMs },
    inOrder: false,
  }
}

function forgetting(realm: Realm, { record }: Readable): Removing {
  const { digest, handle, source, kind, expiresAtMs } = record
  const inOrder = kind === 'assigned'
  const token = { digest, handle, source, tombstone: inOrder && isRevoked(record, realm.index) }
  const operation = { kind: 'forget-token', token: { ...token, ifExpiresAtMs: expiresAtMs } } as const
  return inOrder && !token.tombstone ? { operation, inOrder, unlessRevoked: record } : { operation, inOrder }
}
