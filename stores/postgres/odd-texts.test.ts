import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Store } from '@rescind/authority'
import { emptyStore } from '../../test/kit/postgres-nodes.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import {
  append,
  applied,
  bareToken,
  commit,
  conflict,
  deleteRecord,
  put,
  putRecord,
  REALM,
  write,
} from '../contract/samples.ts'
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

test('a text with NUL is refused alone, and nothing is found under one', async () => {
  const key = { name: 'name', value: 'a\0b' }
  const { outcomes } = await commit(
    store,
    write(append()),
    write(putRecord('a\0')),
    write(append(), putRecord('b', { keys: [key] })),
    write(deleteRecord('a\0', 1)),
    write(append()),
  )
  const refused = conflict('record-changed')
  assert.deepEqual(outcomes, [applied(1), refused, refused, refused, applied(2)])
  assert.equal(await store.record(REALM, 'things', 'a\0'), undefined)
  assert.equal(await store.recordByKey(REALM, { collection: 'things', ...key }), undefined)
  assert.deepEqual((await commit(store, write(putRecord('\0')))).outcomes, [refused])
})

test('a lone surrogate is stored as U+FFFD; escapes in a body stay what they are', async () => {
  const body = JSON.stringify({ nul: '\0', lone: '\ud800', pair: '\u{1f511}', text: '\\ud800 \\u0000' })
  assert.deepEqual((await commit(store, write(putRecord('x\ud800', { body })))).outcomes, [applied(2)])
  assert.equal((await store.record(REALM, 'things', 'x\ufffd'))?.body, body)
  assert.equal((await store.record(REALM, 'things', 'x\ud800'))?.body, body)
})

test('a text that is too long for an index is refused alone', async () => {
  // As long as names may be, of characters that have three bytes.
  const long = '\u4e2d'.repeat(512)
  const { seq } = await store.head(REALM)
  const { outcomes } = await commit(
    store,
    write(append()),
    write(putRecord(long, { lists: [{ name: 'name', value: long }] })),
    write(putRecord('k', { keys: [{ name: 'name', value: long.repeat(2) }] })),
    write(put(bareToken(1, { source: 'chat/acme', client: long.repeat(2) }))),
    write(
      putRecord(long, { keys: [{ name: 'name', value: long }] }),
      put(bareToken(2, { source: 'oauth', client: long.repeat(2) })),
    ),
    write(append()),
  )
  const refused = conflict('record-changed')
  assert.deepEqual(outcomes, [
    applied(seq + 1),
    refused,
    refused,
    refused,
    applied(seq + 1),
    applied(seq + 2),
  ])
})

test('a write that PostgreSQL refuses for its content fails no stranger in its group', async () => {
  const { seq } = await store.head(REALM)
  const half = put(bareToken(3, { expiresAtMs: 1.5 }))
  const refused = conflict('record-changed')
  const alone = await commit(store, write(append()), write(half), write(append()))
  assert.deepEqual(alone.outcomes, [applied(seq + 1), refused, applied(seq + 2)])
  const among = await commit(store, write(append()), write(append(), half), write(append()))
  assert.deepEqual(among.outcomes, [applied(seq + 3), refused, applied(seq + 4)])
  assert.equal((await store.head(REALM)).seq, seq + 4)
})
