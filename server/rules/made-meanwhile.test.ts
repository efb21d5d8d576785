import { BusyStore, endWhileMade } from '../../test/kit/made-meanwhile.ts'
import { openWorld } from '../../test/kit/realm.ts'
import { onBothStores } from '../../test/kit/stores.ts'

onBothStores('a credential that is made while a rule lists the others ends with them', async (store) => {
  const busy = new BusyStore(store)
  const { realm } = await openWorld(busy.store)
  await endWhileMade(busy, realm, realm)
})
