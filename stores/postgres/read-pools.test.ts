import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Store } from '@rescind/authority'
import { emptyStore } from '../../test/kit/postgres-nodes.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import { bareToken, commit, consume, digestAt, handleAt, put, REALM, write } from '../contract/samples.ts'
import { Connection } from './connection.ts'
import { openPostgres } from './store.ts'

let server: PostgresServer
let store: Store
let admin: Connection
before(async () => {
  server = await startPostgres()
  await emptyStore(server.address)
  store = await openPostgres(server.address, { floorMs: 1_000 })
  admin = await Connection.open(server.address)
  await commit(store, write(put(bareToken(1)), consume(1)))
})
after(async () => {
  admin.drop()
  await store.close()
  await server.stop()
})

/** Resolves once as many reads wait for the lock of a table as could be sent. */
async function blocked(reads: number): Promise<void> {
  const other = await Connection.open(server.address)
  const waiting = async (): Promise<number | undefined> => {
    const [row] = await other.rows<[number]>(
      "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'",
    )
    return row?.[0]
  }
  while ((await waiting()) !== reads) continue
  other.drop()
}

test('[model 4.5] look-ups wait for no scan, and those for ending tokens for no other look-up', {
  timeout: 30_000,
}, async () => {
  await admin.run('BEGIN; LOCK TABLE rescind.record IN ACCESS EXCLUSIVE MODE')
  const scans = Array.from({ length: 20 }, () =>
    store.records(REALM, { collection: 'things', after: undefined, limit: 10 }),
  )
  await blocked(2)
  assert.notEqual(await store.tokenByDigest(REALM, digestAt(1)), undefined)
  const lookUps = Array.from({ length: 20 }, (_, nth) => store.record(REALM, 'things', `${nth}`))
  await blocked(6)
  assert.notEqual(await store.urgent.tokenByDigest(REALM, digestAt(1)), undefined)
  assert.notEqual(await store.urgent.tokenByHandle(REALM, handleAt(1)), undefined)
  assert.notEqual(await store.urgent.consumption(REALM, handleAt(1)), undefined)
  await admin.run('COMMIT')
  await Promise.all([...scans, ...lookUps])
})

test('look-ups for ending tokens share the other connections while one of these is free', {
  timeout: 30_000,
}, async () => {
  await admin.run('BEGIN; LOCK TABLE rescind.token IN ACCESS EXCLUSIVE MODE')
  const many = Array.from({ length: 20 }, () => store.urgent.tokenByDigest(REALM, digestAt(1)))
  await blocked(5)
  await admin.run('COMMIT')
  for (const record of await Promise.all(many)) assert.notEqual(record, undefined)
})
