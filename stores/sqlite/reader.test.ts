import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Store } from '@rescind/authority'
import {
  bareToken,
  commit,
  handleAt,
  OTHER_REALM,
  put,
  putRecord,
  REALM,
  write,
  writeIn,
} from '../contract/samples.ts'
import { PAGE_ROWS } from './page.ts'
import { openSqlite } from './store.ts'

async function open(t: TestContext): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-reader-'))
  const store = await openSqlite(join(folder, 'rescind.db'), 1_000)
  t.after(async () => {
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return store
}

/** Tokens of one client at the front, and many without a client behind them. */
async function withMany(store: Store, many: number): Promise<void> {
  const mine = [0, 1].map((number) => put({ ...bareToken(number), source: 'oauth', client: 'c' }))
  await commit(store, write(...mine))
  for (let from = 10; from < many; from += 4_000) {
    const others = Array.from({ length: Math.min(4_000, many - from) }, (_, at) => put(bareToken(from + at)))
    await commit(store, write(...others))
  }
}

test('[W69] a page is a bounded amount of work, whether its limit is one or a thousand, and whatever the table holds', async (t) => {
  const store = await open(t)
  await withMany(store, 40_000)
  for (const limit of [2, 3, 1_000]) {
    const found: string[] = []
    let pages = 0
    let after: number | undefined
    do {
      const ask = { source: 'oauth', client: 'c', after, limit }
      const { records, next } = await store.tokens(REALM, ask)
      found.push(...records.map(({ handle }) => handle))
      after = next
      pages += 1
    } while (after !== undefined)
    assert.deepEqual(found, [0, 1].map(handleAt))
    // A page covers at most 16,000 rows, and cannot know that it is the last one before it has looked.
    assert.ok(pages >= 3, `${pages} pages`)
  }
})

test('[W69] a realm without tokens among a million of others costs no more per page than every other', async (t) => {
  const store = await open(t)
  await withMany(store, 40_000)
  await commit(store, writeIn(OTHER_REALM, put({ ...bareToken(1), subject: 's' })))
  const first = await store.tokens(OTHER_REALM, { after: undefined, limit: 10 })
  assert.deepEqual(first.records, [])
  assert.notEqual(first.next, undefined)
})

test('[W94] concurrent lists get one page per turn of the event loop, of a hundred rows at most', async (t) => {
  const store = await open(t)
  await withMany(store, 2_000)
  for (let from = 0; from < 300; from += 100)
    await commit(store, ...Array.from({ length: 100 }, (_, at) => write(putRecord(`r${from + at}`))))
  let turn = 0
  let isOver = false
  const next = (): void => {
    turn += 1
    if (!isOver) setImmediate(next)
  }
  setImmediate(next)
  const turns: number[] = []
  const noted = (rows: number): void => {
    turns.push(turn)
    assert.ok(rows <= PAGE_ROWS, `${rows} rows`)
  }
  await Promise.all(
    Array.from({ length: 16 }, async (_, nth) => {
      if (nth % 2 === 0) noted((await store.tokens(REALM, { after: undefined, limit: 1_000 })).records.length)
      else
        noted(
          (await store.records(REALM, { collection: 'things', after: undefined, limit: 1_000 })).records
            .length,
        )
    }),
  )
  isOver = true
  assert.equal(turns.length, 16)
  assert.equal(new Set(turns).size, 16, `turns ${turns.join(' ')}`)
})

test('[W94] what a single request needs is read before pages of lists requested earlier', async (t) => {
  const store = await open(t)
  await withMany(store, 2_000)
  const order: string[] = []
  const walks = Array.from({ length: 8 }, async () => {
    await store.tokens(REALM, { subject: 'nobody', after: undefined, limit: 1_000 })
    order.push('walk')
  })
  const short = store.rowsAfter(REALM, 0, 10).then(() => order.push('short'))
  await Promise.all([...walks, short])
  assert.ok(order.indexOf('short') <= 1, order.join(' '))
})
