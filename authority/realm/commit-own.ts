import { ChangedMeanwhile } from '@rescind/core'
import type { Operation } from '../log/writes.ts'
import type { Realm } from './realm.ts'

/** Commits a write of the server itself, which depends on no caller. @throws ChangedMeanwhile when another write came first. */
export async function commitOwn(realm: Realm, operations: readonly Operation[]): Promise<void> {
  const outcome = await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  if (outcome.kind !== 'applied')
    throw new ChangedMeanwhile(`realm ${realm.name} changed meanwhile; start again`)
}
