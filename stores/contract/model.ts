import assert from 'node:assert/strict'
import { type ExpiringEntry, type Operation, type Store, storedKind, type Write } from '@rescind/authority'
import { type RealmOrdinal, realmOrdinal } from '@rescind/core'
import { traitsOf } from '@rescind/core/log'
import fc from 'fast-check'
import type { Clause } from './clause.ts'
import { applyNaively, EMPTY, type NaiveRealm } from './naive.ts'
import {
  append,
  asRecord,
  bareToken,
  comparable,
  consume,
  deleteRecord,
  digestAt,
  forget,
  groupOf,
  handleAt,
  hex,
  NOW_MS,
  put,
  putRecord,
  SOURCE,
} from './samples.ts'

const ENTRIES = storedKind('memos')
const RUNS = 80
const NUMBERS = [0, 1, 2, 3]
const IDS = ['a', 'b', 'c']
const VALUES = ['x', 'y']

/** Few ids, so that writes collide often. */
const number = fc.constantFrom(...NUMBERS)
const id = fc.constantFrom(...IDS)
const version = fc.nat(4)
const LISTS = ['l', 'm']
const lists = fc.subarray(LISTS).map((values) => values.map((value) => ({ name: 'list', value })))
const keys = fc.subarray(VALUES).map((values) => values.map((value) => ({ name: 'name', value })))

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.constant(append()),
  fc.nat(99).map((nth) => append({ audit: `${nth}`, atMs: NOW_MS + nth })),
  fc.record({ number, other: number, same: fc.boolean(), client: fc.boolean() }).map((drawn) =>
    put({
      ...bareToken(drawn.number),
      handle: handleAt(drawn.same ? drawn.number : drawn.other),
      ...(drawn.client ? { client: 'c' } : {}),
    }),
  ),
  number.map(
    (nth): Operation => ({
      kind: 'extend-token',
      digest: digestAt(nth),
      source: SOURCE,
      expiresAtMs: NOW_MS + nth,
      atMs: nth,
    }),
  ),
  fc
    .tuple(number, fc.boolean())
    .map(([nth, answered]) => consume(nth, answered ? Buffer.from([nth]) : undefined)),
  fc.tuple(number, fc.boolean()).map(([nth, tombstone]) => forget(nth, { tombstone })),
  fc
    .tuple(id, version, keys, lists)
    .map(([one, fromVersion, given, listed]) =>
      putRecord(one, { fromVersion, keys: given, lists: listed, body: `${fromVersion}` }),
    ),
  fc.tuple(id, fc.nat(3), fc.option(fc.nat(3), { nil: undefined })).map(([one, end, alive]): Operation => {
    const entry = { kind: ENTRIES, id: one, value: Buffer.from([end]), expiresAtMs: NOW_MS + end }
    return {
      kind: 'put-expiring',
      entry,
      ...(alive === undefined ? {} : { unlessAliveAtMs: NOW_MS + alive }),
    }
  }),
  fc.tuple(id, fc.option(fc.nat(3), { nil: undefined })).map(([one, end]): Operation => {
    const entry = { kind: ENTRIES, id: one }
    return { kind: 'drop-expiring', entry, ...(end === undefined ? {} : { ifExpiresAtMs: NOW_MS + end }) }
  }),
  fc.tuple(id, version).map(([one, fromVersion]) => deleteRecord(one, fromVersion)),
)

type Draft = Omit<Write, 'realm'>

const draft: fc.Arbitrary<Draft> = fc.record({
  dependsOn: fc.constant([]),
  expects: fc.array(fc.record({ collection: fc.constant('things'), id, version: fc.nat(1) }), {
    maxLength: 1,
  }),
  operations: fc.array(operation, { minLength: 1, maxLength: 4 }),
})

export function modelContract(clause: Clause, ownTimes: boolean): void {
  clause(
    `[A07] ${RUNS} random histories give the outcomes and the state of a model of plain lists`,
    async ({ store }) => {
      let ordinal = 10
      const groups = fc.array(fc.array(draft, { minLength: 1, maxLength: 12 }), {
        minLength: 1,
        maxLength: 4,
      })
      const property = fc.asyncProperty(groups, async (drafts) => {
        // A new realm is as good as an empty store, and cheaper.
        ordinal += 1
        await playAndCompare({ store, realm: realmOrdinal(ordinal), ownTimes }, drafts)
      })
      await fc.assert(property, { numRuns: RUNS, seed: 20_260_301 })
    },
  )
}

type Place = { readonly store: Store; readonly realm: RealmOrdinal; readonly ownTimes: boolean }

async function playAndCompare(place: Place, groups: readonly Draft[][]): Promise<void> {
  const { store, realm, ownTimes } = place
  let model = EMPTY
  for (const drafts of groups) {
    const writes = drafts.map((one) => ({ realm, ...one }))
    const expected = writes.map((one) => {
      const [next, outcome] = applyNaively(model, one)
      model = next
      return outcome
    })
    const { outcomes } = await store.commit(groupOf(writes))
    assert.deepEqual(outcomes, expected)
  }
  assert.deepEqual(await pictureOf(place), naivePicture(model, ownTimes))
}

async function pictureOf({ store, realm, ownTimes }: Place): Promise<unknown> {
  const rows = await store.rowsAfter(realm, 0, 1_000)
  const tokens: unknown[] = []
  const consumed: unknown[] = []
  const tombstones: boolean[] = []
  for (const nth of NUMBERS) {
    const byDigest = await store.tokenByDigest(realm, digestAt(nth))
    const byHandle = await store.tokenByHandle(realm, handleAt(nth))
    tokens.push([comparable(byDigest), comparable(byHandle)])
    const consumption = await store.consumption(realm, handleAt(nth))
    consumed.push([consumption?.handle, hex(consumption?.sealed)])
    tombstones.push(await store.isTombstone(realm, digestAt(nth)))
  }
  const records: unknown[] = []
  for (const one of IDS) records.push(asRecord(await store.record(realm, 'things', one)))
  const byKey: unknown[] = []
  for (const value of VALUES) {
    byKey.push((await store.recordByKey(realm, { collection: 'things', name: 'name', value }))?.id)
  }
  const listed: unknown[] = []
  for (const value of LISTS) {
    const ask = { collection: 'things', name: 'list', value, after: undefined, limit: 100 }
    listed.push((await store.recordsListed(realm, ask)).records.map((record) => record.id))
  }
  const entries: unknown[] = []
  for (const one of IDS) entries.push(asEntry(await store.expiring(realm, { kind: ENTRIES, id: one })))
  const entryPage = await store.expiringPage(realm, { kind: ENTRIES, after: undefined, limit: 100 })
  const all = await store.tokens(realm, { client: 'c', after: undefined, limit: 100 })
  const page = await store.records(realm, { collection: 'things', after: undefined, limit: 100 })
  const ask = { source: SOURCE, client: 'c', after: undefined, limit: 100 }
  const ofClient = await store.tokensOfClient(realm, ask)
  return {
    tokens,
    consumed,
    tombstones,
    records,
    byKey,
    live: page.records.map((record) => record.id),
    ofClient: ofClient.records.map(({ handle }) => handle).sort(),
    ofScan: all.records.map(({ handle }) => handle).sort(),
    listed,
    expiring: entries,
    entryPage: entryPage.entries.map(asEntry),
    head: (await store.head(realm)).seq,
    rows: rows.map((row) => [row.seq, ownTimes ? 0 : row.atMs, row.kind, hex(row.rule)]),
  }
}

function naivePicture(
  { tokens, consumed, tombstones, records, expiring: entries, rows }: NaiveRealm,
  ownTimes: boolean,
): unknown {
  const live = records.filter(({ body }) => body !== undefined)
  return {
    tokens: NUMBERS.map((nth) => [
      comparable(tokens.find(({ digest }) => digest === digestAt(nth))),
      comparable(tokens.find(({ handle }) => handle === handleAt(nth))),
    ]),
    consumed: NUMBERS.map((nth) => {
      const found = consumed.find(([handle]) => handle === handleAt(nth))
      return [found?.[0], hex(found?.[1])]
    }),
    tombstones: NUMBERS.map((nth) => tombstones.includes(digestAt(nth))),
    records: IDS.map((one) => {
      const found = records.find((record) => record.id === one)
      if (found === undefined) return undefined
      const { collection, version: at, body } = found
      return { collection, id: one, version: at, body }
    }),
    byKey: VALUES.map((value) => live.find((record) => record.keys.some((key) => key.value === value))?.id),
    live: live.map((record) => record.id).sort(),
    ofClient: tokens.flatMap(({ client, handle }) => (client === 'c' ? [handle] : [])).sort(),
    ofScan: tokens.flatMap(({ client, handle }) => (client === 'c' ? [handle] : [])).sort(),
    listed: LISTS.map((value) =>
      live.flatMap((one) => (one.lists?.some((list) => list.value === value) ? [one.id] : [])).sort(),
    ),
    expiring: IDS.map((one) => asEntry(entries.find((entry) => entry.id === one))),
    entryPage: entries.toSorted((left, right) => (left.id < right.id ? -1 : 1)).map(asEntry),
    head: rows.length,
    rows: rows.map(({ row }, at) => [
      at + 1,
      ownTimes ? 0 : row.atMs,
      traitsOf(row.rule).code,
      hex(row.bytes),
    ]),
  }
}

function asEntry(entry: ExpiringEntry | undefined): unknown {
  return entry === undefined ? undefined : [entry.id, hex(entry.value), entry.expiresAtMs]
}
