import assert from 'node:assert/strict'
import type { Store } from '@rescind/authority'
import type { Clause } from './clause.ts'
import {
  append,
  applied,
  bareToken,
  commit,
  comparable,
  conflict,
  consume,
  deleteRecord,
  digestAt,
  forget,
  handleAt,
  hex,
  OTHER_REALM,
  put,
  putRecord,
  REALM,
  write,
  writeIn,
} from './samples.ts'

export function durableContract(clause: Clause, durable: boolean): void {
  floor(clause)
  reopening(clause)
  neverTwice(clause)
  if (durable) newInstance(clause)
}

function floor(clause: Clause): void {
  clause('the floor rises with a group that has a higher one, and never falls', async ({ store }) => {
    const start = await store.floor()
    await store.commit({ writes: [write(append())], floorMs: start + 5_000 })
    assert.equal(await store.floor(), start + 5_000)
    await store.commit({ writes: [write(append())], floorMs: start + 1_000 })
    assert.equal(await store.floor(), start + 5_000)
    await store.commit({ writes: [write(consume(1), consume(1))], floorMs: start + 6_000 })
    assert.equal(await store.floor(), start + 6_000, 'a group whose writes all conflict raises it, too')
  })
}

function reopening(clause: Clause): void {
  clause('a store that was reopened from disk continues where it was', async ({ store }) => {
    await fill(store)
    const before = await picture(store)
    await store.reopen()
    assert.deepEqual(await picture(store), before)
    assert.deepEqual((await commit(store, write(append()))).outcomes, [applied(3)])
  })

  clause('reads during a reopen are answered once the store is open', async ({ store }) => {
    await fill(store)
    const before = await picture(store)
    const list = { collection: 'things', after: undefined, limit: 10 }
    const listed = await store.records(REALM, list)
    const waiting = [store.records(REALM, list), store.records(REALM, list)]
    const reopening = store.reopen()
    waiting.push(store.records(REALM, list))
    assert.deepEqual(await picture(store), before)
    assert.equal((await store.rowsAfter(REALM, 0, 10)).length, 2)
    assert.equal((await store.checkRows(REALM, 0, 10)).through, 2)
    await reopening
    assert.deepEqual(await Promise.all(waiting), [listed, listed, listed])
    assert.deepEqual((await commit(store, write(append()))).outcomes, [applied(3)])
  })
}

function neverTwice(clause: Clause): void {
  clause(
    '[D08] what is put after the newest was removed inherits nothing from it, and no row number is used twice',
    async ({ store }) => {
      await commit(store, write(put(bareToken(1)), append()))
      await commit(store, write(put(bareToken(2)), consume(2), append(), putRecord('one')))
      await commit(store, write(forget(2, { tombstone: false }), deleteRecord('one', 1)))
      await store.reopen()
      const { seq } = await store.head(REALM)
      await commit(store, write(put(bareToken(3)), append(), putRecord('two')))
      assert.equal(await store.tokenByDigest(REALM, digestAt(2)), undefined)
      assert.equal(await store.tokenByHandle(REALM, handleAt(2)), undefined)
      assert.equal((await store.tokenByHandle(REALM, handleAt(3)))?.digest, digestAt(3))
      assert.equal(await store.consumption(REALM, handleAt(3)), undefined)
      assert.equal((await store.head(REALM)).seq, seq + 1)
      const again = await commit(store, write(putRecord('one', { fromVersion: 2 })))
      assert.deepEqual(
        again.outcomes.map(({ kind }) => kind),
        ['applied'],
        'a name that comes again has a later version',
      )
      assert.equal((await store.record(REALM, 'things', 'one'))?.version, 3)
    },
  )
}

function newInstance(clause: Clause): void {
  clause(
    'a new instance over the same data sees everything that was committed',
    async ({ store, reopen }) => {
      await fill(store)
      const before = await picture(store)
      const again = await reopen()
      assert.deepEqual(await picture(again), before)
      const { outcomes } = await commit(
        again,
        write(append(), append()),
        write(put(bareToken(1))),
        write(consume(1)),
        write(putRecord('gone')),
        write(putRecord('two', { keys: [{ name: 'name', value: 'kept' }] })),
        writeIn(OTHER_REALM, append()),
      )
      const fates = ['token-exists', 'consumed', 'record-changed', 'key-taken'] as const
      assert.deepEqual(outcomes, [applied(3), ...fates.map(conflict), applied(2)])
    },
  )

  clause('the floor of an instance is the floor of the next', async ({ store, reopen }) => {
    const start = await store.floor()
    await store.commit({ writes: [write(append())], floorMs: start + 7_777 })
    const again = await reopen()
    assert.equal(await again.floor(), start + 7_777)
    await again.commit({ writes: [write(append())], floorMs: start })
    assert.equal(await again.floor(), start + 7_777)
  })

  clause(
    'the order of a client’s tokens stays the same in the next instance, and continues there',
    async ({ store, reopen }) => {
      const mine = (number: number) => put({ ...bareToken(number), client: 'c' })
      await commit(store, ...[3, 1, 2].map((number) => write(mine(number))))
      await commit(store, write(forget(2, { tombstone: false })))
      const again = await reopen()
      await commit(again, write(mine(0)), write(mine(2)))
      const ask = { source: 'chat/acme', client: 'c', after: undefined, limit: 10 }
      const { records } = await again.tokensOfClient(REALM, ask)
      assert.deepEqual(
        records.map(({ handle }) => handle),
        [3, 1, 0, 2].map(handleAt),
      )
    },
  )
}

async function fill(store: Store): Promise<void> {
  await commit(
    store,
    write(append(), put({ ...bareToken(1), sealed: Buffer.from([1, 2, 3]) }), consume(1, Buffer.from('x'))),
    write(put(bareToken(2)), append({ audit: 'second' })),
    write(forget(2, { tombstone: true })),
    write(putRecord('kept', { body: '{"a":1}', keys: [{ name: 'name', value: 'kept' }] })),
    write(putRecord('gone')),
    write(deleteRecord('gone', 1)),
    writeIn(OTHER_REALM, append(), put(bareToken(3))),
  )
}

async function picture(store: Store): Promise<unknown> {
  const consumption = await store.consumption(REALM, handleAt(1))
  const rows = await store.rowsAfter(REALM, 0, 100)
  return {
    one: comparable(await store.tokenByDigest(REALM, digestAt(1))),
    two: await store.tokenByHandle(REALM, handleAt(2)),
    three: comparable(await store.tokenByHandle(OTHER_REALM, handleAt(3))),
    consumption: hex(consumption?.sealed),
    tombstone: await store.isTombstone(REALM, digestAt(2)),
    kept: await store.recordByKey(REALM, { collection: 'things', name: 'name', value: 'kept' }),
    gone: await store.record(REALM, 'things', 'gone'),
    rows: rows.map(({ seq, atMs, kind, rule }) => [seq, atMs, kind, hex(rule)]),
    heads: [hex((await store.head(REALM)).chain), hex((await store.head(OTHER_REALM)).chain)],
  }
}
