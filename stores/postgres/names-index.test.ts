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
import { openPostgres } from './store.ts'

let server: PostgresServer
before(async () => {
  server = await startPostgres()
})
after(() => server.stop())
beforeEach(() => emptyStore(server.address))

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
