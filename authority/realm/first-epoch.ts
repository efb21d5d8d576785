import { ORIGIN, StoreUnavailable } from '@rescind/core'
import type { Audit, Realm } from './realm.ts'

/** The first row of a realm's log. @throws StoreUnavailable when the realm cannot be opened now. */
export async function beginFirstEpoch(realm: Realm): Promise<void> {
  const epochId = realm.random.bytes(16).toString('base64url')
  const audit: Audit = { by: 'server', from: 'local', how: 'realm.open' }
  const row = realm.row({ kind: 'epoch', ordinal: 1, epochId, lostBelow: ORIGIN }, audit)
  const write = {
    realm: realm.ordinal,
    dependsOn: [],
    expects: [],
    operations: [{ kind: 'append', row }],
  } as const
  // Another node may have opened it at the same time, and the row that it wrote is folded then.
  if ((await realm.commit(write)).kind !== 'applied' && realm.index.seq === 0)
    throw new StoreUnavailable(`realm ${realm.name} could not be opened now; try again`)
}
