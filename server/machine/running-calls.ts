import { EXPIRING_KINDS, type ExpiringName, type Operation, type Realm } from '@rescind/authority'
import { isOutage } from '@rescind/core'

/** How long a call counts as running without another sign of it, if its process ended. */
const SIGN_MS = 60_000
const VALUE = Buffer.from([1])

/**
 * Says to the other processes of a shared store that a call with this Idempotency-Key is under way.
 * @returns false if one is, elsewhere. @throws StoreUnavailable, Overloaded.
 */
export async function beginCall(realm: Realm, id: string): Promise<boolean> {
  if (!realm.store.isShared) return true
  const nowMs = realm.nowMs()
  const own = begunIn(realm)
  for (const [known, untilMs] of own) if (untilMs <= nowMs) own.delete(known)
  // This process began it, and its end could not be written: until then nobody else can have begun it.
  const condition = own.has(id) ? {} : { unlessAliveAtMs: nowMs }
  const operations = running(realm, id).map((one) => ({ ...one, ...condition }))
  const outcome = await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  if (outcome.kind === 'applied') own.set(id, nowMs + SIGN_MS)
  return outcome.kind === 'applied'
}

/** Calls that this process has begun, and until when they certainly count as running. */
const begun: WeakMap<Realm, Map<string, number>> = new WeakMap()

function begunIn(realm: Realm): Map<string, number> {
  const known = begun.get(realm) ?? new Map<string, number>()
  begun.set(realm, known)
  return known
}

/** Operations of a call that goes on for long: it is still running. */
export function callGoesOn(realm: Realm, id: string): readonly Operation[] {
  return realm.store.isShared ? running(realm, id) : []
}

/** The call has ended, however. If that cannot be written, it counts as running for a while. */
export async function endCall(realm: Realm, id: string): Promise<void> {
  if (!realm.store.isShared) return
  const operations = [{ kind: 'drop-expiring', entry: nameOf(id) }] as const
  try {
    await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
    begunIn(realm).delete(id)
  } catch (error) {
    if (!isOutage(error)) throw error
  }
}

function running(realm: Realm, id: string): readonly Extract<Operation, { kind: 'put-expiring' }>[] {
  const entry = { ...nameOf(id), value: VALUE, expiresAtMs: realm.nowMs() + SIGN_MS }
  return [{ kind: 'put-expiring', entry }]
}

function nameOf(id: string): ExpiringName {
  return { kind: EXPIRING_KINDS.runningCall, id }
}
