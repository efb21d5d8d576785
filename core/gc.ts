import type { ExpiredToken, Store } from './ports.ts'
import type { Realm } from './realm.ts'
import type { Realms } from './realms.ts'
import type { TokenRecord } from './records.ts'
import type { Operation } from './units.ts'
import { isRevoked } from './verdict.ts'

/** Records that one step removes: a flush of some milliseconds, behind which nobody waits long. */
export const GC_BATCH_MAX = 200

/**
 * One step of garbage collection: removes token records that ended below the durable floor, never above it. The text
 * that was sealed goes with the record; a revoked assigned text leaves its digest for good, so that it is never bound
 * again. @returns how many went; fewer than GC_BATCH_MAX means that nothing is left to do now.
 */
export async function collectExpired(realms: Realms, store: Store): Promise<number> {
  const expired = await store.expiredTokens(store.floorMs, GC_BATCH_MAX)
  const byRealm = Map.groupBy(expired, ({ realm }) => realm)
  for (const realm of realms.all()) await forget(realm, byRealm.get(realm.ordinal) ?? [])
  return expired.length
}

async function forget(realm: Realm, expired: readonly ExpiredToken[]): Promise<void> {
  if (expired.length === 0) return
  const operations = expired.map(({ record }) => forgetting(realm, record))
  await realm.commit({ realm: realm.ordinal, standsOn: [], expects: [], operations })
}

function forgetting(realm: Realm, record: TokenRecord): Operation {
  const { digest, handle, source, kind, expiresAtMs } = record
  const tombstone = kind === 'assigned' && isRevoked(record, realm.index)
  return { kind: 'forget-token', token: { digest, handle, source, tombstone, ifExpiresAtMs: expiresAtMs } }
}
