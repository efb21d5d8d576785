import type { Realm } from '@rescind/authority'
import type { Admin } from './call.ts'

/** Default limit of the revoked texts that are remembered for an app. */
const TOMBSTONES_MAX = 1_000_000
/** How long a count is used. Only garbage collection makes tombstones, a batch at a time. */
const COUNTED_FOR_MS = 60_000

type Counted = { readonly count: number; readonly atMs: number }

/** Counts by app, cached because counting is a scan. */
const counted: WeakMap<Realm, Map<string, Counted>> = new WeakMap()

/**
 * Whether an app has reached its limit of remembered revoked texts. Then no new text is bound, because a text whose
 * revocation is forgotten could come back. Bound text stays valid and can be revoked.
 */
export async function isAtTombstoneQuota(realm: Realm, { app, source }: Admin): Promise<boolean> {
  const max = app.tombstonesMax ?? TOMBSTONES_MAX
  if (max === 0) return true
  const apps = counted.get(realm) ?? new Map<string, Counted>()
  counted.set(realm, apps)
  const known = apps.get(app.name)
  const nowMs = realm.nowMs()
  if (known !== undefined && nowMs - known.atMs < COUNTED_FOR_MS) return known.count >= max
  const count = await realm.store.tombstones(realm.ordinal, { source, limit: max })
  apps.set(app.name, { count, atMs: nowMs })
  return count >= max
}
