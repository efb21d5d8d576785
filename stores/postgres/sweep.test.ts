import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Store, type Swept, storedKind } from '@rescind/authority'
import { emptyStore } from '../../test/kit/postgres-nodes.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import {
  bareToken,
  commit,
  consume,
  digestAt,
  handleAt,
  NOW_MS,
  OTHER_REALM,
  put,
  REALM,
  write,
  writeIn,
} from '../contract/samples.ts'
import { Connection } from './connection.ts'
import { openPostgres } from './store.ts'

let server: PostgresServer
let store: Store
before(async () => {
  server = await startPostgres()
  await emptyStore(server.address)
  store = await openPostgres(server.address, { floorMs: 1_000 })
})
after(async () => {
  await store.close()
  await server.stop()
})

const KIND = storedKind('memos')
const ENDS_MS = bareToken(1).expiresAtMs

function tokens(...numbers: readonly number[]): Swept {
  const named = numbers.map((nth) => ({
    digest: digestAt(nth),
    handle: handleAt(nth),
    ifExpiresAtMs: ENDS_MS,
  }))
  return { tokens: named, entries: [] }
}

async function left(numbers: readonly number[]): Promise<readonly number[]> {
  const found: number[] = []
  for (const nth of numbers)
    if ((await store.tokenByDigest(REALM, digestAt(nth))) !== undefined) found.push(nth)
  return found
}

test('ended tokens go with their consumptions; those that were extended, or are another’s by now, stay', async () => {
  const extended = {
    kind: 'extend-token',
    digest: digestAt(2),
    source: 'oauth',
    expiresAtMs: ENDS_MS + 1,
    atMs: 1,
  } as const
  await commit(
    store,
    write(put(bareToken(1)), consume(1), put(bareToken(2)), put(bareToken(3, { handle: handleAt(9) }))),
    write(extended),
    writeIn(OTHER_REALM, put(bareToken(1))),
  )
  await store.sweep?.(REALM, tokens(1, 2, 3, 4))
  assert.deepEqual(await left([1, 2, 3]), [2, 3])
  assert.equal(await store.consumption(REALM, handleAt(1)), undefined)
  assert.notEqual(await store.tokenByDigest(OTHER_REALM, digestAt(1)), undefined)
})

test('expired entries go, unless they were put again', async () => {
  const entry = (id: string, expiresAtMs: number) =>
    ({ kind: 'put-expiring', entry: { kind: KIND, id, value: Buffer.from([1]), expiresAtMs } }) as const
  await commit(store, write(entry('a', NOW_MS), entry('b', NOW_MS + 1)))
  const entries = ['a', 'b', 'c'].map((id) => ({ kind: KIND, id, ifExpiresAtMs: NOW_MS }))
  await store.sweep?.(REALM, { tokens: [], entries })
  const page = await store.expiringPage(REALM, { kind: KIND, after: undefined, limit: 9 })
  assert.deepEqual(
    page.entries.map(({ id }) => id),
    ['b'],
  )
})

test('a sweep waits neither for the lock of its realm nor for the rows of a group, and takes them later', async () => {
  await commit(store, write(put(bareToken(20)), put(bareToken(21))))
  const group = await Connection.open(server.address)
  await group.run(
    'BEGIN; SELECT pg_advisory_xact_lock(1381188420, 1); SELECT FROM rescind.head WHERE realm = 1 FOR UPDATE',
  )
  await group.rows('SELECT FROM rescind.token WHERE digest = $1 FOR UPDATE', [digestAt(21)])
  await store.sweep?.(REALM, tokens(20, 21))
  assert.deepEqual(await left([20, 21]), [21])
  await group.run('COMMIT')
  await store.sweep?.(REALM, tokens(20, 21))
  assert.deepEqual(await left([20, 21]), [])
  group.drop()
})

test('nothing is swept from a store that was moved: the copy is compared with it', async () => {
  await commit(store, write(put(bareToken(77))))
  const admin = await Connection.open(server.address)
  await admin.run("UPDATE rescind.store SET moved_to = 'sqlite:x'")
  await assert.rejects(async () => store.sweep?.(REALM, tokens(77)))
  await admin.run('UPDATE rescind.store SET moved_to = NULL')
  admin.drop()
  assert.deepEqual(await left([77]), [77])
})
