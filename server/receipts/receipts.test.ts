import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Operation, type Realm, rowsOf, ruleOn } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'
import type { Target } from '@rescind/core/log'
import { FaultyStore } from '../../test/kit/faulty-store.ts'
import { openWorld, START_MS } from '../../test/kit/realm.ts'
import { SeededRandom } from '../../test/kit/seeded-random.ts'
import { BLOCK_KIND, entryIdOf } from './block.ts'
import { FILTERS, type Filters } from './filters.ts'
import { ReceiptIndexer } from './indexer.ts'
import { receiptJson, revocationId, type Written } from './receipt.ts'
import { AuditRetention } from './retention.ts'
import { searchReceipts, writtenAt } from './search.ts'

const DAY_MS = 86_400_000
const ROWS = 3_300

type Fact = {
  readonly id: string
  readonly names: Readonly<Record<string, readonly string[]>>
  readonly atMs: number
}

/** A log of many revocations, some with several rows, other rows in between, and what a search should find. */
async function manyRevocations(
  realm: Realm,
  advance: (ms: number) => void,
  count = ROWS,
): Promise<readonly Fact[]> {
  const random = new SeededRandom('receipts')
  const pick = (of: number): number => random.bytes(1).readUInt8(0) % of
  const facts: Fact[] = []
  while (realm.index.seq < count) {
    advance(pick(3))
    const sources = pick(5) === 0 ? ['identity', 'oauth'] : ['oauth']
    const [subject, client] = [`s${pick(40)}`, pick(2) === 0 ? undefined : `c${pick(5)}`]
    const targets = sources.map(
      (source): Exclude<Target, { kind: 'token' }> =>
        client === undefined
          ? { kind: 'cut', shape: 'subject', principals: { source, subject } }
          : { kind: 'cut', shape: 'subject+client', principals: { source, subject, client } },
    )
    const [by, why] = [`control:k${pick(3)}`, `reason ${pick(4)}`]
    const rules = targets.map((target) => ruleOn(realm, target))
    const change = { kind: 'change', collection: 'x', id: 'y', version: 1 } as const
    const noise: readonly Operation[] =
      pick(4) === 0 ? [{ kind: 'append', row: realm.row(change, { by, from: 'local', how: 'test' }) }] : []
    const operations = [...noise, ...rowsOf(realm, rules, { by, from: 'local', how: 'test', why })]
    const outcome = await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
    assert.ok(outcome.kind === 'applied')
    const names = {
      source: sources,
      subject: [subject],
      client: client === undefined ? [] : [client],
      by: [by],
      reason: [why],
    }
    facts.push({ id: revocationId(outcome.at), names, atMs: realm.nowMs() })
  }
  return facts.reverse()
}

async function all(realm: Realm, filters: Filters, limit: number): Promise<readonly Written[]> {
  const found: Written[] = []
  let before: number | undefined
  do {
    const page = await searchReceipts(realm, {
      filters,
      before,
      sinceMs: undefined,
      untilMs: undefined,
      limit,
    })
    assert.ok(page.found.length <= limit)
    found.push(...page.found)
    before = page.next
  } while (before !== undefined)
  return found
}

const SEARCHES: readonly Filters[] = [
  {},
  { subject: 's7' },
  { subject: 's7', client: 'c1' },
  { source: 'identity' },
  { source: 'oauth', reason: 'reason 2', by: 'control:k1' },
  { subject: 'nobody' },
  { handle: 'tok_AAAAAAAAAAAAAAAAAAAAAA' },
]

test('searching finds what reading the whole log finds, before and after it was indexed', async () => {
  const { realm, clock } = await openWorld()
  const facts = await manyRevocations(realm, (ms) => clock.advance(ms))
  const check = async (): Promise<void> => {
    for (const filters of SEARCHES) {
      const expected = facts.filter(({ names }) =>
        FILTERS.every((name) => filters[name] === undefined || names[name]?.includes(filters[name])),
      )
      for (const limit of [60, 500]) {
        const found = await all(realm, filters, limit)
        assert.deepEqual(
          found.map(({ at }) => revocationId(at)),
          expected.map(({ id }) => id),
        )
      }
    }
  }
  await check()
  const indexer = new ReceiptIndexer(realm, 400 * DAY_MS)
  assert.equal(await indexer.run(2), 2)
  await check()
  // Another indexer, after a restart, continues where this one ended.
  assert.equal(await new ReceiptIndexer(realm, 400 * DAY_MS).run(100), 1)
  assert.equal(await indexer.run(100), 1)
  await check()
})

/** The expiring entries of the first blocks, as text. */
async function blocksOf({ store, ordinal }: Realm, count: number): Promise<readonly (string | undefined)[]> {
  const ids = Array.from({ length: count }, (_, block) => entryIdOf(block))
  const entries = await Promise.all(ids.map((id) => store.expiring(ordinal, { kind: BLOCK_KIND, id })))
  return entries.map((entry) => (entry === undefined ? undefined : Buffer.from(entry.value).toString('hex')))
}

test('blocks that are put together as rows are published are those that are read from the log', async () => {
  const [drafted, read] = [await openWorld(), await openWorld()]
  const indexer = new ReceiptIndexer(drafted.realm, 400 * DAY_MS)
  let skipped = 0
  drafted.realms.ledger.onGroup({
    published: (publication) => {
      if (publication.realm !== drafted.realm.ordinal) return
      // As after a flush of unknown outcome: one publication in the third block never came.
      if (publication.prev > 2_500 && skipped === 0) skipped = publication.rows.length
      else indexer.published(publication)
    },
    lost: () => {},
  })
  for (const { realm, clock } of [drafted, read]) await manyRevocations(realm, (ms) => clock.advance(ms))
  assert.ok(drafted.realm.index.seq > 3_000 && skipped > 0)
  // The draft missed the start of the first block and some rows of the third, so both are read.
  assert.equal(await indexer.run(0), 0)
  assert.equal(await indexer.run(1), 2)
  assert.equal(await indexer.run(0), 0)
  assert.equal(await indexer.run(1), 1)
  assert.equal(await new ReceiptIndexer(read.realm, 400 * DAY_MS).run(100), 3)
  const blocks = await blocksOf(drafted.realm, 4)
  assert.ok(blocks.slice(0, 3).every((block) => block !== undefined) && blocks[3] === undefined)
  assert.deepEqual(blocks, await blocksOf(read.realm, 4))
})

test('a finished block that could not be written is read when the store is back', async () => {
  const store = new FaultyStore(START_MS)
  const { realm, realms, clock } = await openWorld(store)
  await manyRevocations(realm, (ms) => clock.advance(ms), 900)
  const indexer = new ReceiptIndexer(realm, 400 * DAY_MS)
  realms.ledger.onGroup({ published: (publication) => indexer.published(publication), lost: () => {} })
  await manyRevocations(realm, (ms) => clock.advance(ms), 1_500)
  assert.equal(await indexer.run(1), 1)
  await manyRevocations(realm, (ms) => clock.advance(ms), 2_000)
  store.fate = 'fails-unwritten'
  await assert.rejects(indexer.run(0), StoreUnavailable)
  store.fate = 'works'
  assert.equal(await indexer.run(0), 0)
  assert.equal(await indexer.run(1), 1)
})

test('a block without a new row between two rounds is dropped, and read when it is full', async () => {
  const { realm, realms, clock } = await openWorld()
  await manyRevocations(realm, (ms) => clock.advance(ms), 900)
  const indexer = new ReceiptIndexer(realm, 400 * DAY_MS)
  realms.ledger.onGroup({ published: (publication) => indexer.published(publication), lost: () => {} })
  await manyRevocations(realm, (ms) => clock.advance(ms), 1_500)
  assert.equal(await indexer.run(1), 1)
  assert.equal(await indexer.run(0), 0)
  await manyRevocations(realm, (ms) => clock.advance(ms), 3_000)
  assert.equal(await indexer.run(0), 0)
  // The draft saw the next block from its first row on.
  assert.equal(await indexer.run(1), 2)
})

test('a page between two times holds what was written between them', async () => {
  const { realm, clock } = await openWorld()
  const facts = await manyRevocations(realm, (ms) => clock.advance(ms))
  await new ReceiptIndexer(realm, 400 * DAY_MS).run(100)
  const [sinceMs, untilMs] = [START_MS + 500, START_MS + 900]
  const page = await searchReceipts(realm, { filters: {}, before: undefined, sinceMs, untilMs, limit: 500 })
  const expected = facts.filter(({ atMs }) => atMs >= sinceMs && atMs < untilMs)
  assert.ok(expected.length > 10)
  assert.deepEqual(
    page.found.map(({ at }) => revocationId(at)),
    expected.slice(0, 500).map(({ id }) => id),
  )
})

test('only the last row of a request is a receipt, and it shows all sources', async () => {
  const { realm } = await openWorld()
  const targets = ['identity', 'oauth'].map(
    (source) => ({ kind: 'cut', shape: 'subject', principals: { source, subject: 's' } }) as const,
  )
  const rules = targets.map((target) => ruleOn(realm, target))
  const operations = rowsOf(realm, rules, { by: 'test', from: 'local', how: 'test' })
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  const { seq } = realm.index
  assert.equal(await writtenAt(realm, seq - 1), undefined)
  const written = await writtenAt(realm, seq)
  assert.ok(written !== undefined)
  assert.deepEqual(receiptJson(realm, written).covers.source, ['identity', 'oauth'])
})

test('audit texts go when the floor says that they expired, oldest first, and the chain stays', async () => {
  const { realm, realms, clock, store } = await openWorld()
  const seqs: number[] = []
  for (let day = 0; day < 10; day += 1) {
    const target = {
      kind: 'cut',
      shape: 'subject',
      principals: { source: 'oauth', subject: `s${day}` },
    } as const
    const rows = rowsOf(realm, [ruleOn(realm, target)], { by: 'test', from: 'local', how: 'test' })
    await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations: rows })
    seqs.push(realm.index.seq)
    clock.advance(DAY_MS)
  }
  const head = await store.head(realm.ordinal)
  const kept = async (): Promise<number> => {
    let count = 0
    for (const seq of seqs) if ((await writtenAt(realm, seq)) !== undefined) count += 1
    return count
  }
  const retention = new AuditRetention(realm, 4 * DAY_MS)
  await retention.step()
  assert.equal(await kept(), 10, 'the clock alone ends nothing')
  realms.ledger.raiseFloor(clock.wallMs())
  await retention.step()
  assert.equal(await kept(), 3)
  clock.advance(2 * DAY_MS)
  realms.ledger.raiseFloor(clock.wallMs())
  await new AuditRetention(realm, 4 * DAY_MS).step()
  assert.equal(await kept(), 1)
  assert.deepEqual(await store.head(realm.ordinal), head)
  const rows = await store.chainedRowsAfter(realm.ordinal, 0, 1_000)
  assert.equal(rows.length, head.seq)
})
