import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Collection, commitOwn, type Realm } from '@rescind/authority'
import { openWorld } from '../../../../test/kit/realm.ts'
import { compareAll } from '../../../records/people.ts'
import { findReceipts } from './exact.ts'
import { Gathered, targetsOf } from './gathered.ts'
import { tallied } from './tallies.ts'

const NAMES: Collection<{ readonly name: string }> = { name: 'names', keys: () => [] }

/** A realm with endless records, a page at a time. */
function endless(reads: { count: number }): Realm {
  const page = async (_of: unknown, { limit }: { readonly limit: number }) => {
    reads.count += limit
    const entry = { id: 'x', version: 1, value: { name: 'x' } }
    return { entries: Array.from({ length: limit }, () => entry), next: 'x' }
  }
  return { directory: { page } } as unknown as Realm
}

test('no more than 20,000 records are compared one by one, and then it is known that there are more', async () => {
  const reads = { count: 0 }
  const compared = await compareAll(endless(reads), NAMES, { fits: () => false, isOver: () => false })
  assert.deepEqual([compared.isWhole, compared.entries.length, reads.count], [false, 0, 20_000])
  const none = await compareAll(endless(reads), NAMES, { fits: () => true, isOver: () => true })
  assert.deepEqual(none, { entries: [], isWhole: false })
})

test('without time left no token is counted, and the count is at least', async () => {
  const { realm } = await openWorld()
  const names = { subject: new Set(['ann']) }
  const late = await tallied(realm, names, () => true)
  assert.deepEqual(late.of({ role: 'subject', source: 'oauth', name: 'ann' }), { count: 0, complete: false })
  assert.equal((await tallied(realm, names, () => false)).complete, true)
})

test('an answer has 500 findings; one more is said to be missing', async () => {
  const { realm } = await openWorld()
  const into = new Gathered()
  const add = (id: number): void => into.add(realm, { kind: 'user', id: String(id), state: 'live' })
  for (let id = 0; id < 500; id += 1) add(id)
  assert.deepEqual([into.findings.length, into.notSearched.length], [500, 0])
  add(7)
  assert.equal(into.notSearched.length, 0, 'it was found before')
  for (let id = 500; id < 510; id += 1) add(id)
  assert.deepEqual([into.findings.length, into.notSearched.length], [500, 1])
})

test('receipts that a long log may have are not taken for none', async () => {
  const { realm } = await openWorld()
  const change = { kind: 'change', collection: 'x', id: 'y', version: 1 } as const
  const row = realm.row(change, { by: 'test', from: 'local', how: 'test' })
  const some = async (rows: number): Promise<void> => {
    await commitOwn(realm, new Array(rows).fill({ kind: 'append', row }) as never)
  }
  const missed = async (): Promise<readonly unknown[]> => {
    const into = new Gathered()
    await findReceipts({ realm, into }, { subject: 'ann' })
    return into.notSearched.map(({ what }) => what)
  }
  await some(900)
  assert.deepEqual(await missed(), [])
  for (let nth = 0; nth < 23; nth += 1) await some(900)
  assert.deepEqual(await missed(), ['older receipts'])
})

test('equal names in many sources become targets of as many sources as a rule takes', () => {
  const findings = Array.from({ length: 17 }, (_, nth) => {
    const source = `chat/app-${String(nth).padStart(2, '0')}`
    return {
      realm: 'default',
      kind: 'client',
      source,
      id: 'ann',
      state: 'live',
      target: { source, client: 'ann' },
    }
  })
  const targets = targetsOf([...findings, ...findings])
  assert.deepEqual(
    targets.map(({ target }) => [target.source].flat().length),
    [16, 1],
  )
})
