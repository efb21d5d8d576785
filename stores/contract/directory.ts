import assert from 'node:assert/strict'
import type { DirectoryRecord, RecordKey, Store } from '@rescind/authority'
import type { Clause } from './clause.ts'
import {
  applied,
  asRecord,
  commit,
  conflict,
  deleteRecord,
  OTHER_REALM,
  putRecord,
  REALM,
  write,
  writeIn,
} from './samples.ts'

const BODY = JSON.stringify({ name: 'Zoë \u{1f511}', list: [1, null], text: '\u0000\n' })

function record(id: string, version: number, body: string | undefined = '{}'): DirectoryRecord {
  return { collection: 'things', id, version, body }
}

function named(value: string, name = 'name'): { readonly keys: readonly RecordKey[] } {
  return { keys: [{ name, value }] }
}

async function idByKey(store: Store, value: string, name = 'name'): Promise<string | undefined> {
  return (await store.recordByKey(REALM, { collection: 'things', name, value }))?.id
}

export function directoryContract(clause: Clause): void {
  versions(clause)
  uniqueKeys(clause)
  separation(clause)
}

function versions(clause: Clause): void {
  clause(
    'a record counts its versions, and a write that names a wrong one is a conflict',
    async ({ store }) => {
      assert.equal(await store.record(REALM, 'things', 'one'), undefined)
      assert.deepEqual((await commit(store, write(putRecord('one', { body: BODY })))).outcomes, [applied(0)])
      assert.deepEqual(asRecord(await store.record(REALM, 'things', 'one')), record('one', 1, BODY))
      const changed = [conflict('record-changed')]
      for (const fromVersion of [0, 2]) {
        assert.deepEqual((await commit(store, write(putRecord('one', { fromVersion })))).outcomes, changed)
      }
      await commit(store, write(putRecord('one', { fromVersion: 1, body: '{"second":true}' })))
      assert.deepEqual(
        asRecord(await store.record(REALM, 'things', 'one')),
        record('one', 2, '{"second":true}'),
      )
      const absent = await commit(store, write(putRecord('two', { fromVersion: 1 })))
      assert.deepEqual(absent.outcomes, changed)
    },
  )

  clause(
    'a deleted record leaves its version; only a write that names it brings the id back',
    async ({ store }) => {
      await commit(store, write(putRecord('one', named('one'))))
      const changed = [conflict('record-changed')]
      assert.deepEqual((await commit(store, write(deleteRecord('one', 2)))).outcomes, changed)
      assert.deepEqual((await commit(store, write(deleteRecord('one', 1)))).outcomes, [applied(0)])
      assert.deepEqual(asRecord(await store.record(REALM, 'things', 'one')), {
        ...record('one', 2),
        body: undefined,
      })
      assert.equal(await idByKey(store, 'one'), undefined)
      for (const operation of [putRecord('one'), deleteRecord('one', 2), deleteRecord('never', 0)]) {
        assert.deepEqual((await commit(store, write(operation))).outcomes, changed)
      }
      const revived = await commit(store, write(putRecord('one', { fromVersion: 2, ...named('one') })))
      assert.deepEqual(revived.outcomes, [applied(0)])
      assert.deepEqual(asRecord(await store.record(REALM, 'things', 'one')), record('one', 3))
      assert.equal(await idByKey(store, 'one'), 'one')
    },
  )

  clause('one write may change a record twice', async ({ store }) => {
    const twice = write(putRecord('one'), putRecord('one', { fromVersion: 1, body: '2' }))
    assert.deepEqual((await commit(store, twice)).outcomes, [applied(0)])
    assert.deepEqual(asRecord(await store.record(REALM, 'things', 'one')), record('one', 2, '2'))
  })

  clause('a record that is put twice from one version by one write conflicts alone', async ({ store }) => {
    const { outcomes } = await commit(
      store,
      write(putRecord('before')),
      write(putRecord('one'), putRecord('one')),
      write(putRecord('two'), putRecord('one'), deleteRecord('one', 0)),
      write(putRecord('after')),
    )
    const changed = conflict('record-changed')
    assert.deepEqual(outcomes, [applied(0), changed, changed, applied(0)])
    for (const id of ['one', 'two']) assert.equal(await store.record(REALM, 'things', id), undefined)
    assert.deepEqual(asRecord(await store.record(REALM, 'things', 'after')), record('after', 1))
  })
}

function uniqueKeys(clause: Clause): void {
  clause(
    'a key finds its record as a whole, and belongs to one live record of its collection',
    async ({ store }) => {
      await commit(store, write(putRecord('one', { body: BODY, ...named('x') })))
      const found = await store.recordByKey(REALM, { collection: 'things', name: 'name', value: 'x' })
      assert.deepEqual(asRecord(found), record('one', 1, BODY))
      const taken = await commit(store, write(putRecord('two', named('x'))))
      assert.deepEqual(taken.outcomes, [conflict('key-taken')])
      assert.equal(await store.record(REALM, 'things', 'two'), undefined)
      const otherName = await commit(store, write(putRecord('two', named('x', 'mail'))))
      assert.deepEqual(otherName.outcomes, [applied(0)])
      assert.equal(await idByKey(store, 'x'), 'one')
      assert.equal(await idByKey(store, 'x', 'mail'), 'two')
    },
  )

  clause(
    'an update moves keys: it frees dropped ones, keeps kept ones, and takes new ones',
    async ({ store }) => {
      const key = (value: string): RecordKey => ({ name: 'name', value })
      await commit(store, write(putRecord('one', { keys: [key('a'), key('b')] })))
      const moved = putRecord('one', { fromVersion: 1, keys: [key('b'), key('c')] })
      assert.deepEqual((await commit(store, write(moved))).outcomes, [applied(0)])
      assert.deepEqual(
        [await idByKey(store, 'a'), await idByKey(store, 'b'), await idByKey(store, 'c')],
        [undefined, 'one', 'one'],
      )
      const { outcomes } = await commit(
        store,
        write(putRecord('two', named('c'))),
        write(putRecord('three', named('a'))),
      )
      assert.deepEqual(outcomes, [conflict('key-taken'), applied(0)])
      assert.equal(await idByKey(store, 'a'), 'three')
    },
  )

  clause('a key is free at once when its record is deleted, also within one write', async ({ store }) => {
    await commit(store, write(putRecord('one', named('x'))))
    const { outcomes } = await commit(store, write(deleteRecord('one', 1), putRecord('two', named('x'))))
    assert.deepEqual(outcomes, [applied(0)])
    assert.equal(await idByKey(store, 'x'), 'two')
  })

  clause('keys are exact: case, Unicode form, spaces and quotes make other keys', async ({ store }) => {
    const values = ['key', 'KEY', 'key ', ' key', 'k\u00e9y', 'ke\u0301y', "k'y", 'k%y', 'k_y', '']
    const { outcomes } = await commit(
      store,
      ...values.map((value, at) => write(putRecord(`id${at}`, named(value)))),
    )
    assert.deepEqual(
      outcomes,
      values.map(() => applied(0)),
    )
    for (const [at, value] of values.entries()) assert.equal(await idByKey(store, value), `id${at}`)
  })
}

function separation(clause: Clause): void {
  clause('ids and keys of one collection or realm mean nothing in another', async ({ store }) => {
    const { outcomes } = await commit(
      store,
      write(putRecord('one', named('x'))),
      write(putRecord('one', { ...named('x'), collection: 'others', body: '2' })),
      writeIn(OTHER_REALM, putRecord('one', { ...named('x'), body: '3' })),
    )
    assert.deepEqual(outcomes, [applied(0), applied(0), applied(0)])
    const ask = { name: 'name', value: 'x' }
    const bodies = [
      await store.recordByKey(REALM, { collection: 'things', ...ask }),
      await store.recordByKey(REALM, { collection: 'others', ...ask }),
      await store.recordByKey(OTHER_REALM, { collection: 'things', ...ask }),
      await store.recordByKey(OTHER_REALM, { collection: 'others', ...ask }),
      await store.record(OTHER_REALM, 'others', 'one'),
    ]
    assert.deepEqual(
      bodies.map((one) => one?.body),
      ['{}', '2', '3', undefined, undefined],
    )
  })

  clause('ids that a careless separator would confuse stay distinct', async ({ store }) => {
    const pairs = [
      ['a', 'b:c'],
      ['a:b', 'c'],
      ['a', 'b/c'],
      ['a/b', 'c'],
    ] as const
    const { outcomes } = await commit(
      store,
      ...pairs.map(([collection, id], at) => write(putRecord(id, { collection, body: `${at}` }))),
    )
    assert.deepEqual(
      outcomes,
      pairs.map(() => applied(0)),
    )
    for (const [at, [collection, id]] of pairs.entries()) {
      assert.equal((await store.record(REALM, collection, id))?.body, `${at}`)
    }
  })
}
