import { after, before } from 'node:test'
import { emptyStore } from '../../test/kit/postgres-nodes.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import { storeContract } from '../contract/suite.ts'
import { openPostgres } from './store.ts'

let server: PostgresServer
before(async () => {
  server = await startPostgres()
})
after(() => server.stop())

storeContract(
  'PostgresStore',
  async () => {
    const { address } = server
    await emptyStore(address)
    let store = await openPostgres(address, { floorMs: 1_000 })
    return {
      store,
      reopen: async () => {
        await store.close()
        store = await openPostgres(address, { floorMs: 1_000 })
        return store
      },
      destroy: () => store.close(),
    }
  },
  { durable: true, ownTimes: true },
)
