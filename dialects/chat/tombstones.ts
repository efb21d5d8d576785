import type { Realm } from '@rescind/authority'
import type { Admin } from './call.ts'

/** Revoked texts that are remembered for an app, where it says no number itself. */
const TOMBSTONES_MAX = 1_000_000
/** How long a count is relied on. Only garbage collection makes tombstones, a batch at a time. */
const COUNTED_FOR_MS = 60_000

type Counted = { readonly count: number; readonly atMs: number }

/** By app; counting is a scan, so it is done seldom. */
const counted: WeakMap<Realm, Map<string, Counted>> = new WeakMap()

/**
 * Whether an app has revoked as many texts as are remembered for it. Nothing new is bound then: text that nobody would
 * remember the revocation of could come back. What is bound stays as it is, and can be revoked.
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
