import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { Store } from '@rescind/authority'
import { type TokenName, tokenName } from '@rescind/authority/names'
import { ancestorOf } from '@rescind/core'
import { emptyStore } from '../../test/kit/postgres-nodes.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import { named } from '../contract/names.ts'
import { bareToken, commit, handleAt, put, REALM, SOURCE, write } from '../contract/samples.ts'
import { Connection } from './connection.ts'
import { NamesUpkeep } from './names-index.ts'
import { Reads } from './reads.ts'
import { ServerPlace } from './server-place.ts'
import { openPostgres } from './store.ts'

let server: PostgresServer
before(async () => {
  server = await startPostgres()
})
after(() => server.stop())
let place = ''
beforeEach(async () => {
  place = await emptyStore(server.address)
})

function subject(value: string): TokenName {
  return tokenName('subject', SOURCE, value)
}

async function run(sql: string): Promise<void> {
  const connection = await Connection.open(server.address)
  await connection.run(sql)
  connection.drop()
}

const ANN = { anyOf: [[subject('ann')]], handles: [] }
const PAGE = { ...ANN, after: undefined, limit: 10 }

async function ready(store: Store): Promise<void> {
  while ((await store.tokensNamed(REALM, PAGE)) === undefined)
    await new Promise((resolve) => setImmediate(resolve))
}

test('a store from before the index gets it while nodes write, and until then the store says that it has none', async () => {
  const old = await openPostgres(server.address, { floorMs: 1_000 })
  await commit(old, write(put(bareToken(0, { subject: 'ann' }))))
  await run('DROP INDEX rescind.token_names')
  assert.equal(await old.tokensNamed(REALM, PAGE), undefined)
  const next = await openPostgres(server.address, { floorMs: 1_000 })
  await commit(old, write(put(bareToken(1, { subject: 'ann' }))))
  await Promise.all([ready(next), ready(old)])
  await commit(old, write(put(bareToken(2, { subject: 'ann' }))))
  for (const store of [old, next]) assert.deepEqual(await named(store, ANN), [0, 1, 2].map(handleAt))
  await Promise.all([old.close(), next.close()])
})

test('an index that a crash left unfinished is made anew, and is not asked meanwhile', async () => {
  const store = await openPostgres(server.address, { floorMs: 1_000 })
  await commit(store, write(put(bareToken(0, { subject: 'ann' }))))
  await run(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'rescind.token_names'::regclass`)
  assert.equal(await store.tokensNamed(REALM, PAGE), undefined)
  const next = await openPostgres(server.address, { floorMs: 1_000 })
  await ready(next)
  assert.deepEqual(await named(next, ANN), [handleAt(0)])
  await Promise.all([store.close(), next.close()])
})

function upkeepAs(
  user: string,
  failed: (why: string) => void,
): readonly [upkeep: NamesUpkeep, reads: Reads, turn: { isOurs: boolean }] {
  const address = { ...server.address, user }
  const turn = { isOurs: false }
  const reads = new Reads(address, new ServerPlace(place))
  return [new NamesUpkeep({ address, reads, failed, isOurs: () => turn.isOurs }), reads, turn]
}

test('an index that was left unfinished while nodes run is made anew by the one that has the upkeep', async () => {
  const store = await openPostgres(server.address, { floorMs: 1_000 })
  await commit(store, write(put(bareToken(0, { subject: 'ann' }))))
  await run(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'rescind.token_names'::regclass`)
  const told: string[] = []
  const [upkeep, reads, turn] = upkeepAs(server.address.user, (why) => told.push(why))
  await upkeep.look()
  assert.equal(await store.tokensNamed(REALM, PAGE), undefined, 'another node has the upkeep')
  turn.isOurs = true
  await upkeep.look()
  assert.deepEqual(await named(store, ANN), [handleAt(0)])
  assert.deepEqual(told, [])
  upkeep.close()
  await Promise.all([reads.close(), store.close()])
})

test('a role that may not maintain the index is told once', async (t) => {
  const store = await openPostgres(server.address, { floorMs: 1_000 })
  const group = write(put(bareToken(0, { subject: 'ann' })))
  await commit(store, group)
  const role = `guest_${process.pid}`
  await run(`CREATE ROLE ${role} LOGIN; GRANT USAGE ON SCHEMA rescind TO ${role};
    GRANT SELECT ON ALL TABLES IN SCHEMA rescind TO ${role}; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA rescind TO ${role}`)
  t.after(() => run(`DROP OWNED BY ${role}; DROP ROLE ${role}`))
  const told: string[] = []
  const [upkeep, reads, turn] = upkeepAs(role, (why) => told.push(why))
  turn.isOurs = true
  for (let nth = 0; nth < 2; nth += 1) {
    upkeep.committed({ floorMs: 1_000, writes: [group] })
    await upkeep.tidy()
  }
  await run('DROP INDEX rescind.token_names')
  for (let nth = 0; nth < 2; nth += 1) await upkeep.look()
  assert.equal(told.length, 2)
  assert.match(told[0] ?? '', /^the new entries of the index of names: must be owner of index token_names$/)
  assert.match(told[1] ?? '', /^the index of names: must be owner of table token$/)
  await upkeepAs(server.address.user, assert.fail)[0].make()
  upkeep.close()
  await Promise.all([reads.close(), store.close()])
})

test('tokens whose facts PostgreSQL cannot read are found by their names, and damaged ones are in no list', async () => {
  const store = await openPostgres(server.address, { floorMs: 1_000 })
  const nul = bareToken(1, { subject: 'ann', session: 'a\0b' })
  const child = bareToken(2, { ancestors: [ancestorOf(nul)] })
  await commit(store, write(put(bareToken(0, { subject: 'ann' })), put(nul), put(child), put(bareToken(3))))
  await run(`UPDATE rescind.token SET facts = 'gone' WHERE handle = '${handleAt(0)}'`)
  assert.deepEqual(await named(store, ANN), [1, 2].map(handleAt))
  const odd = { anyOf: [[tokenName('session', SOURCE, 'a\0b')]], handles: ['tok_\0'] }
  assert.deepEqual(await named(store, odd), [1, 2].map(handleAt))
  await store.close()
})

test('what one node issues, another finds by name', async () => {
  const [a, b] = await Promise.all([1, 2].map(() => openPostgres(server.address, { floorMs: 1_000 })))
  assert.ok(a !== undefined && b !== undefined)
  for (let nth = 0; nth < 40; nth += 1)
    await commit(nth % 2 === 0 ? a : b, write(put(bareToken(nth, { subject: nth % 4 < 2 ? 'ann' : 'ben' }))))
  const expected = Array.from({ length: 40 }, (_, nth) => nth).filter((nth) => nth % 4 < 2)
  for (const store of [a, b]) assert.deepEqual(await named(store, ANN), expected.map(handleAt))
  await Promise.all([a.close(), b.close()])
})
