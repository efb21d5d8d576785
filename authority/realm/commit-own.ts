import { StoreUnavailable } from '@rescind/core'
import type { Operation } from '../log/writes.ts'
import type { Realm } from './realm.ts'

/**
 * A write of the server itself, which rests on nobody's rights. @throws StoreUnavailable when it did not apply: some
 * other write came first, and starting again will see it.
 */
export async function commitOwn(realm: Realm, operations: readonly Operation[]): Promise<void> {
  const outcome = await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  if (outcome.kind !== 'applied')
    throw new StoreUnavailable(`realm ${realm.name} changed meanwhile; start again`)
}
