import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { StoreUnavailable } from '@rescind/core'
import { emptyStore } from '../../test/kit/postgres-nodes.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import { Reads } from './reads.ts'
import { ServerPlace } from './server-place.ts'

let server: PostgresServer
let place = ''
before(async () => {
  server = await startPostgres()
  place = await emptyStore(server.address)
})
after(() => server.stop())

test('what another server than the opened one says, a standby or an old primary, is an outage', async () => {
  const own = new Reads(server.address, new ServerPlace(place))
  assert.deepEqual(await own.rows('SELECT 1', [], 'keys'), [[1]])
  assert.deepEqual(await own.rows('SELECT 1 WHERE false', [], 'keys'), [])
  await own.close()
  const [system, timeline] = place.split('/')
  for (const other of [`${system}/00000002`, `7/${timeline}`]) {
    const elsewhere = new Reads(server.address, new ServerPlace(other))
    for (const sql of ['SELECT 1', 'SELECT 1 WHERE false'])
      await assert.rejects(elsewhere.rows(sql, [], 'keys'), StoreUnavailable)
    await elsewhere.close()
  }
})
