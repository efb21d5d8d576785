import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Store } from '@rescind/authority'
import { type TokenName, tokenName } from '@rescind/authority/names'
import type { TokenRecord } from '@rescind/core'
import fc from 'fast-check'
import { named } from '../contract/names.ts'
import { bareToken, commit, forget, handleAt, put, REALM, SOURCE, write } from '../contract/samples.ts'
import { hashesOfToken } from './name-hash.ts'
import { CANDIDATES_MAX, NameIndex } from './name-index.ts'
import { NameTable } from './name-table.ts'
import { openSqlite } from './store.ts'

function subject(value: string): TokenName {
  return tokenName('subject', SOURCE, value)
}

async function manyTokens(t: TestContext, count: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-names-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'rescind.db')
  const store = await openSqlite(path, 1_000)
  const tokens = Array.from({ length: count }, (_, at) => bareToken(at, { subject: `s${at % 3}` }))
  await commit(store, ...tokens.map((one) => write(put(one))))
  await store.close()
  return path
}

async function filled(store: Store): Promise<void> {
  const ask = { anyOf: [], handles: [], after: undefined, limit: 1 }
  while ((await store.tokensNamed(REALM, ask)) === undefined)
    await new Promise((resolve) => setImmediate(resolve))
}

test('until a large store has read its names it says so, and what happens meanwhile is in the index', async (t) => {
  const path = await manyTokens(t, 3_000)
  const store = await openSqlite(path, 1_000)
  const ask = { anyOf: [[subject('s1')]], handles: [], after: undefined, limit: 1_000 }
  assert.equal(await store.tokensNamed(REALM, ask), undefined)
  await commit(store, write(put(bareToken(3_000, { subject: 's1' }))), write(forget(1, { tombstone: false })))
  await commit(store, write(forget(2_998, { tombstone: false })))
  await filled(store)
  const expected = Array.from({ length: 3_000 }, (_, at) => at).filter(
    (at) => at % 3 === 1 && at !== 1 && at !== 2_998,
  )
  assert.deepEqual(await named(store, { anyOf: [[subject('s1')]], handles: [] }), [
    ...expected.map(handleAt),
    handleAt(3_000),
  ])
  await store.close()
})

test('a store that is closed or reopened while its names are read goes on, and ends', async (t) => {
  const path = await manyTokens(t, 3_000)
  const store = await openSqlite(path, 1_000)
  await store.reopen()
  await filled(store)
  assert.equal((await named(store, { anyOf: [[subject('s2')]], handles: [] })).length, 1_000)
  await store.close()
  await (await openSqlite(path, 1_000)).close()
})

test('a table of names finds what a plain list finds, whatever came and went', async () => {
  const step = fc.oneof(
    fc.record({ hashes: fc.array(fc.nat(5), { maxLength: 4 }), skip: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ forget: fc.nat(60) }),
    fc.record({ look: fc.nat(5) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const index = new NameIndex()
      index.beginFill()
      index.endFill()
      const rows = new Map<number, TokenRecord>()
      let last = 0
      for (const one of steps) {
        if ('forget' in one) {
          index.forget(one.forget)
          rows.delete(one.forget)
        } else if ('look' in one) {
          const expected = [...rows].filter(([, { subject: name }]) => name === `${one.look}`)
          const set = [[subject(`${one.look}`)]]
          assert.deepEqual(
            await index.candidates(REALM, set, 0),
            expected.map(([row]) => row),
          )
        } else {
          last += one.skip
          const token = bareToken(last, { subject: `${one.hashes[0] ?? 9}` })
          rows.set(last, token)
          index.put(REALM, last, token)
        }
      }
    }),
  )
})

test('rows beyond 32 bits, and thousands of names, stay apart', () => {
  const table = new NameTable()
  const first = 2 ** 32 - 5_000
  for (let nth = 0; nth < 20_000; nth += 1) table.add(first + nth, [nth * 200_003, 7])
  for (let nth = 0; nth < 20_000; nth += 1)
    assert.equal(table.rowOf(table.newest((nth * 200_003) % 2 ** 32)), first + nth)
  assert.equal(table.rowOf(table.older(table.newest(7))), first + 19_998)
  assert.equal(table.newest(12_345), 0)
})

test('one more candidate than the limit, and the index leaves the search to others', async () => {
  const index = new NameIndex()
  index.beginFill()
  index.endFill()
  for (let row = 1; row <= CANDIDATES_MAX; row += 1) index.put(REALM, row, bareToken(1, { subject: 's' }))
  assert.equal((await index.candidates(REALM, [[subject('s')]], 0))?.length, CANDIDATES_MAX)
  index.put(REALM, CANDIDATES_MAX + 1, bareToken(1, { subject: 's', client: 'few' }))
  assert.equal(await index.candidates(REALM, [[subject('s')]], 0), undefined)
  const pair = [[subject('s'), tokenName('client', SOURCE, 'few')]]
  assert.deepEqual(await index.candidates(REALM, pair, 0), [CANDIDATES_MAX + 1])
  assert.equal((await index.candidates(REALM, [[subject('s')]], 1))?.length, CANDIDATES_MAX)
})

test('an index most of which is gone is made anew, and answers meanwhile', async () => {
  const index = new NameIndex()
  index.beginFill()
  index.endFill()
  const token = bareToken(1, { subject: 's' })
  for (let row = 1; row <= 60_000; row += 1) index.put(REALM, row, token)
  for (let row = 1; row < 50_000; row += 1) index.forget(row)
  assert.equal(index.isWorn, false)
  index.forget(50_000)
  assert.equal(index.isWorn, true)
  const before = index.bytes
  const found = (): Promise<readonly number[] | undefined> => index.candidates(REALM, [[subject('s')]], 0)
  index.beginFill()
  assert.equal(index.isWorn, false, 'once at a time')
  assert.equal((await found())?.length, 10_000)
  const rows = Float64Array.from({ length: 10_000 }, (_, at) => 50_001 + at)
  const hashes = hashesOfToken(index.seed, REALM, token)
  index.load({
    rows,
    counts: new Uint8Array(10_000).fill(hashes.length),
    hashes: Uint32Array.from(Array.from(rows, () => hashes).flat()),
  })
  index.forget(50_001)
  index.endFill()
  index.put(REALM, 60_001, token)
  assert.ok(index.bytes < before / 2)
  assert.deepEqual([(await found())?.[0], (await found())?.at(-1)], [50_002, 60_001])
})
