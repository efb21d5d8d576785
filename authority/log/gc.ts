import { isRevoked, type RealmOrdinal, type TokenRecord } from '@rescind/core'
import { STRANGE } from '../directory/stored-json.ts'
import type { ExpiredEntry, Store } from '../ports.ts'
import type { Realm } from '../realm/realm.ts'
import type { Realms } from '../realm/realms.ts'
import type { Operation } from './writes.ts'

/** Records that one step removes: a flush of some milliseconds, behind which nobody waits long. */
export const GC_BATCH_MAX = 200

/** A digest has no more; what stands in the place of one may. */
const DIGEST_CHARS = 43

export type Collecting = {
  /** Records of one step, at most GC_BATCH_MAX, which is used when it is absent. */
  readonly limit?: number
  /** How long a token's record stays after its end, for who asks about tokens that have just run out. */
  readonly keptMs?: number
  /** Runs what a step does in one realm; @returns whether it was done. What was not holds up no other realm. */
  readonly each?: (realm: Realm, task: () => Promise<unknown>) => Promise<boolean>
  /** Records in front of the others that could not be removed so far: they are stepped over. */
  readonly staying?: { count: number }
}

/**
 * One step of garbage collection: removes token records that ended below the durable floor, never above it. The text
 * that was sealed goes with the record; a revoked assigned text leaves its digest for good, so that it is never bound
 * again. @returns how many it looked at; fewer than its limit means that nothing is left to do now.
 */
export async function collectExpired(realms: Realms, store: Store, how: Collecting = {}): Promise<number> {
  const belowMs = realms.ledger.durableFloorMs - (how.keptMs ?? 0)
  const found = await store.expiredTokens(belowMs, how.limit ?? GC_BATCH_MAX, how.staying?.count)
  const expired: Readable[] = []
  for (const { realm, digest, record } of found) {
    if (record === undefined) await tellUnreadable(realms, realm, digest)
    else expired.push({ realm, record })
  }
  // Nobody knows what it would leave behind, a tombstone or nothing: it stays, and the others go.
  if (how.staying !== undefined) how.staying.count += found.length - expired.length
  await remove(realms, { expired, removing: forgetting }, how)
  return found.length
}

/** As `collectExpired`, for expiring entries. */
export async function collectEntries(realms: Realms, store: Store, how: Collecting = {}): Promise<number> {
  const expired = await store.expiredEntries(
    realms.ledger.durableFloorMs,
    how.limit ?? GC_BATCH_MAX,
    how.staying?.count,
  )
  await remove(realms, { expired, removing: dropping }, how)
  return expired.length
}

type Readable = { readonly realm: RealmOrdinal; readonly record: TokenRecord }

async function tellUnreadable(realms: Realms, ordinal: RealmOrdinal, digest: string): Promise<void> {
  const realm = await realms.ofOrdinal(ordinal)
  realm?.unreadable({ what: 'token', name: `tokens/${digest.slice(0, DIGEST_CHARS)}`, why: STRANGE })
}

type Removal<T> = {
  readonly expired: readonly T[]
  readonly removing: (realm: Realm, one: T) => Operation
}

async function remove<T extends { readonly realm: RealmOrdinal }>(
  realms: Realms,
  { expired, removing }: Removal<T>,
  { each, staying }: Collecting,
): Promise<void> {
  const byRealm = Map.groupBy(expired, ({ realm }) => realm)
  let left = expired.length
  for (const [ordinal, own] of byRealm) {
    const realm = await realms.ofOrdinal(ordinal)
    // The index of a log that was rolled back may lack a revocation, and what was removed by it its tombstone.
    if (realm === undefined || realms.ledger.isSuspended(ordinal)) continue
    const operations = own.map((one) => removing(realm, one))
    const task = (): Promise<unknown> =>
      realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
    if (each === undefined) await task()
    else if (!(await each(realm, task))) continue
    left -= own.length
  }
  if (staying !== undefined) staying.count += left
}

function dropping(_realm: Realm, { entry: { kind, id, expiresAtMs } }: ExpiredEntry): Operation {
  return { kind: 'drop-expiring', entry: { kind, id }, ifExpiresAtMs: expiresAtMs }
}

function forgetting(realm: Realm, { record }: Readable): Operation {
  const { digest, handle, source, kind, expiresAtMs } = record
  const tombstone = kind === 'assigned' && isRevoked(record, realm.index)
  return { kind: 'forget-token', token: { digest, handle, source, tombstone, ifExpiresAtMs: expiresAtMs } }
}
