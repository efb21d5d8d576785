import type { ExpiredMemo, ExpiredToken, Store } from './ports.ts'
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
 * again. `keptMs`: how long a record stays after its token's end, for who asks about tokens that have just run out.
 * @returns how many went; fewer than GC_BATCH_MAX means that nothing is left to do now.
 */
export async function collectExpired(realms: Realms, store: Store, keptMs = 0): Promise<number> {
  const expired = await store.expiredTokens(store.floorMs - keptMs, GC_BATCH_MAX)
  const byRealm = Map.groupBy(expired, ({ realm }) => realm)
  for (const realm of realms.all()) await forget(realm, byRealm.get(realm.ordinal) ?? [])
  return expired.length
}

/** As `collectExpired`, for memos. */
export async function collectMemos(realms: Realms, store: Store): Promise<number> {
  const expired = await store.expiredMemos(store.floorMs, GC_BATCH_MAX)
  const byRealm = Map.groupBy(expired, ({ realm }) => realm)
  for (const realm of realms.all()) {
    const operations = (byRealm.get(realm.ordinal) ?? []).map(dropping)
    if (operations.length === 0) continue
    await realm.commit({ realm: realm.ordinal, standsOn: [], expects: [], operations })
  }
  return expired.length
}

function dropping({ memo: { kind, id, expiresAtMs } }: ExpiredMemo): Operation {
  return { kind: 'drop-memo', memo: { kind, id }, ifExpiresAtMs: expiresAtMs }
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
