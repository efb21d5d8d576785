import { EXPIRING_KINDS, type Operation, type Realm } from '@rescind/authority'
import { type Handle, KEEP_MARGIN_MS, parseHandle } from '@rescind/core'

const KIND = EXPIRING_KINDS.lastUse
/** Uses per write: a revocation in the same commit group waits for it. */
const BATCH = 50

/**
 * Writes the noted uses in batches, away from the requests that used the tokens. @throws StoreUnavailable, Overloaded.
 */
export async function writeUses(realm: Realm, isStopped: () => boolean): Promise<void> {
  for (;;) {
    const some = realm.uses.some(BATCH)
    if (some.length === 0 || isStopped()) return
    const operations: Operation[] = []
    for (const use of some) {
      const { handle, minuteMs } = use
      const expiresAtMs = use.expiresAtMs ?? (await expiryOf(realm, handle))
      if (expiresAtMs === undefined) continue
      // Another process may have seen it used later.
      if (realm.store.isShared && ((await storedMs(realm, handle)) ?? 0) > minuteMs) continue
      const value = Buffer.alloc(8)
      value.writeDoubleBE(minuteMs)
      const entry = { kind: KIND, id: handle, value, expiresAtMs: expiresAtMs + KEEP_MARGIN_MS }
      operations.push({ kind: 'put-expiring', entry })
    }
    if (operations.length > 0)
      await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
    realm.uses.written(some)
  }
}

/** A verifier may report a handle that is unknown or already collected; nothing is stored for it. */
async function expiryOf(realm: Realm, handle: Handle): Promise<number | undefined> {
  return (await realm.store.tokenByHandle(realm.ordinal, handle))?.expiresAtMs
}

/** Notes the uses that a verifier reports. Malformed handles are ignored. */
export function noteUses(realm: Realm, handles: readonly string[]): void {
  const nowMs = realm.nowMs()
  for (const text of handles) {
    const handle = parseHandle(text)
    if (handle !== undefined) realm.uses.note(handle, nowMs)
  }
}

/** The minute in which a token was last used, as far as uses were reported. */
export async function lastUsedMs(realm: Realm, handle: Handle): Promise<number | undefined> {
  return realm.uses.get(handle) ?? (await storedMs(realm, handle))
}

async function storedMs(realm: Realm, handle: Handle): Promise<number | undefined> {
  const entry = await realm.store.expiring(realm.ordinal, { kind: KIND, id: handle })
  // A value of another length comes from a newer version and is ignored.
  return entry?.value.length === 8 ? Buffer.from(entry.value).readDoubleBE(0) : undefined
}

const RECENT_MS = 900_000

/** Whether a token was used within the last 15 minutes: what a preview counts. */
export function wasUsedLately(realm: Realm): (of: { readonly handle: Handle }) => Promise<boolean> {
  return async ({ handle }) => {
    const ms = await lastUsedMs(realm, handle)
    return ms !== undefined && ms > realm.nowMs() - RECENT_MS
  }
}
