import { after, before } from 'node:test'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import { storeContract } from '../contract/suite.ts'
import { Connection } from './connection.ts'
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
    const connection = await Connection.open(address)
    await connection.run('DROP SCHEMA IF EXISTS rescind CASCADE')
    connection.drop()
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
