import { EXPIRING_KINDS, type ExpiringEntry, type Realm } from '@rescind/authority'
import { type Handle, KEEP_MARGIN_MS } from '@rescind/core'

const KIND = EXPIRING_KINDS.lastUse

type Use = { readonly handle: Handle; readonly minuteMs: number; readonly expiresAtMs: number }

/**
 * @param knownMs the last use as it is stored, if that is known. @returns undefined if it is stored as used then or later.
 * @throws StoreUnavailable.
 */
export async function lastUseEntry(
  realm: Realm,
  { handle, minuteMs, expiresAtMs }: Use,
  knownMs?: number,
): Promise<ExpiringEntry | undefined> {
  if ((knownMs ?? (await storedMs(realm, handle)) ?? 0) >= minuteMs) return undefined
  const value = Buffer.alloc(8)
  value.writeDoubleBE(minuteMs)
  return { kind: KIND, id: handle, value, expiresAtMs: expiresAtMs + KEEP_MARGIN_MS }
}

/** The minute in which a token was last used, as far as uses were reported. */
export async function lastUsedMs(realm: Realm, handle: Handle): Promise<number | undefined> {
  const [noted, stored] = [realm.acceptances.lastMs(handle), await storedMs(realm, handle)]
  return noted === undefined || stored === undefined ? (noted ?? stored) : Math.max(noted, stored)
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
