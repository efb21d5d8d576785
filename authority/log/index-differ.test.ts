import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ContractBroken, KEEP_FOREVER_MS, ORIGIN, position } from '@rescind/core'
import { type CutoffTarget, cutoffKeyOf, type IndexKey, type Rule } from '@rescind/core/log'
import { digestKeyOf } from '../../core/log/index-keys.ts'
import { SLICES } from '../../core/revocations/key-table.ts'
import { openWorld, type World } from '../../test/kit/realm.ts'
import { DAY_MS, digestAt, revoking, tokenTarget } from '../../test/kit/samples.ts'
import { onBothStores } from '../../test/kit/stores.ts'
import type { Realm } from '../realm/realm.ts'
import type { Differences } from './index-compare.ts'
import { IndexDiffer } from './index-differ.ts'
import { LogTrim, TRIM_AGE_MIN_MS } from './log-trim.ts'

/** An index that differs from its log: keys, cutoffs and holds that are missing, leave too early, or are in no row. */
const AUDIT = { by: 'test', from: 'local', how: 'test' }
const CLEAN: Differences = { missing: 0, short: 0, unexplained: 0 }
const ANN: CutoffTarget = { kind: 'cut', shape: 'subject', principals: { source: 'oauth', subject: 'ann' } }
const BOB: CutoffTarget = { kind: 'cut', shape: 'subject', principals: { source: 'oauth', subject: 'bob' } }
const LONG_MS = 900 * DAY_MS

async function write(realm: Realm, ...rules: readonly Rule[]): Promise<void> {
  const operations = rules.map((rule) => ({ kind: 'append', row: realm.row(rule, AUDIT) }) as const)
  const outcome = await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  assert.equal(outcome.kind, 'applied')
}

type Beside = { readonly between?: (nth: number) => unknown; readonly sliceKeys?: number }

async function differ(
  { realms, realm }: World,
  { between, sliceKeys }: Beside = {},
): Promise<Differences | undefined> {
  let nth = 0
  const rest = async (): Promise<void> => {
    await between?.(nth)
    nth += 1
  }
  return new IndexDiffer(realms.ledger, sliceKeys).run(realm, { rest, goesOn: () => true })
}

function dropAll({ index }: Realm): void {
  for (let slice = 0; slice < SLICES; slice += 1) index.dropExpired(slice)
}

async function pass({ clock, realms }: World, ms: number): Promise<void> {
  clock.advance(ms)
  realms.ledger.raiseFloor(clock.wallMs())
  await realms.ledger.settleFloor()
}

/** Simulates a loss in memory: every other key of the partition stays. */
function lose({ index }: Realm, key: IndexKey): void {
  const keys: [words: Uint32Array, keep: number][] = []
  index.ended.visit(0, 1_024, (words, at, keep) => keys.push([words.slice(at, at + 4), keep]))
  const word = Buffer.from(key, 'latin1').readUInt32BE(0)
  for (let slice = 0; slice < SLICES; slice += 1) index.ended.dropExpired(index.floorMs + 10 * LONG_MS, slice)
  for (const [words, keep] of keys) if (words[0] !== word) index.ended.addWords(words, 0, keep)
}

async function filled(world: World): Promise<void> {
  const { realm } = world
  const keepMs = realm.nowMs() + LONG_MS
  for (let nth = 0; nth < 20; nth += 1) await write(realm, revoking(tokenTarget(nth), keepMs))
  await write(realm, revoking(ANN, keepMs), { kind: 'hold', id: 'h', target: tokenTarget(50) })
  await write(realm, { kind: 'hold', id: 'lifted', target: BOB }, { kind: 'release', id: 'lifted' })
  await write(realm, revoking({ kind: 'key', keyId: 'k' }), revoking({ ...ANN, issuedBeforeMs: 5_000 }))
}

onBothStores(
  '[W83] an index that agrees with its log shows no difference, in one slice or in eight',
  async (store) => {
    const world = await openWorld(store)
    await filled(world)
    assert.deepEqual(await differ(world), CLEAN)
    assert.deepEqual(await differ(world, { sliceKeys: 5 }), CLEAN)
  },
)

onBothStores(
  '[W83] [F20] an entry that the index has lost is found: a key, a cutoff, a hold',
  async (store) => {
    const world = await openWorld(store)
    const { realm } = world
    await filled(world)
    lose(realm, digestKeyOf(digestAt(3)))
    assert.deepEqual(await differ(world, { sliceKeys: 5 }), { ...CLEAN, missing: 1 })
    realm.index.cutoffs.delete('subject')
    assert.deepEqual(await differ(world), { ...CLEAN, missing: 2 })
    realm.index.holds.lift('h')
    assert.deepEqual(await differ(world), { ...CLEAN, missing: 3 })
    realm.index.endedKinds.delete('key')
    assert.deepEqual(await differ(world), { ...CLEAN, missing: 4 })
  },
)

onBothStores('[W83] an entry that ends too early, or covers too little, is found', async (store) => {
  const world = await openWorld(store)
  const { realm } = world
  const { index } = realm
  await filled(world)
  lose(realm, digestKeyOf(digestAt(3)))
  index.ended.add(digestKeyOf(digestAt(3)), realm.nowMs() + DAY_MS)
  assert.deepEqual(await differ(world), { ...CLEAN, short: 1 })
  const key = cutoffKeyOf(index.digestKey, 'subject', ANN.principals)
  assert.ok(key !== undefined)
  const cutoff = index.cutoffs.get('subject')?.get(key)
  assert.ok(cutoff !== undefined)
  for (const weaker of [
    { keepUntilMs: cutoff.keepUntilMs - 1 },
    { plain: position(1, 1) },
    { dated: ORIGIN },
    { datedBeforeMs: 0 },
    { plainAtMs: 1 },
  ]) {
    index.cutoffs.delete('subject')
    index.raiseCutoff('subject', key, { ...cutoff, ...weaker })
    assert.deepEqual(await differ(world), { ...CLEAN, short: 2 }, JSON.stringify(weaker))
  }
  const at = index.holds.positionOf('h')
  assert.ok(at !== undefined)
  index.holds.lift('h')
  index.holds.place('h', tokenTarget(50), position(1, 1))
  assert.deepEqual(await differ(world), { ...CLEAN, short: 3 })
})

onBothStores('[W83] an entry that is in no row, or not for so long, is found', async (store) => {
  const world = await openWorld(store)
  const { realm } = world
  const { index } = realm
  await filled(world)
  index.ended.add(digestKeyOf(digestAt(100)), realm.nowMs() + LONG_MS)
  assert.deepEqual(await differ(world, { sliceKeys: 5 }), { ...CLEAN, unexplained: 1 })
  index.ended.add(digestKeyOf(digestAt(1)), KEEP_FOREVER_MS)
  assert.deepEqual(await differ(world), { ...CLEAN, unexplained: 2 })
  const [bob, ann] = [BOB, ANN].map(({ principals }) => cutoffKeyOf(index.digestKey, 'subject', principals))
  assert.ok(bob !== undefined && ann !== undefined)
  const cutoff = index.cutoffs.get('subject')?.get(ann)
  assert.ok(cutoff !== undefined)
  index.raiseCutoff('subject', bob, cutoff)
  assert.deepEqual(await differ(world), { ...CLEAN, unexplained: 3 })
  index.raiseCutoff('subject', ann, { ...cutoff, plain: index.head })
  assert.deepEqual(await differ(world), { ...CLEAN, unexplained: 4 })
  index.holds.place('nobody', tokenTarget(51), index.head)
  assert.deepEqual(await differ(world), { ...CLEAN, unexplained: 5 })
})

onBothStores(
  '[W83] writes, releases, drops and trims between two steps are not differences',
  async (store) => {
    const world = await openWorld(store)
    const { realm } = world
    for (let nth = 0; nth < 1_200; nth += 100) {
      const some = Array.from({ length: 100 }, (_, more) =>
        revoking(tokenTarget(nth + more), realm.nowMs() + (1 + ((nth + more) % 30)) * DAY_MS),
      )
      await write(realm, ...some)
    }
    await filled(world)
    const trim = new LogTrim({ realm, auditRetentionMs: 0, rowsMin: 1 })
    let steps = 0
    const between = async (nth: number): Promise<void> => {
      steps += 1
      if (nth > 30) return
      const number = 2_000 + nth
      await write(realm, revoking(tokenTarget(number), realm.nowMs() + (nth % 40) * DAY_MS), revoking(BOB))
      await write(realm, { kind: 'release', id: `h ${nth - 2}` })
      await write(realm, { kind: 'hold', id: `h ${nth}`, target: ANN }, { kind: 'release', id: 'h' })
      if (nth % 3 === 0) {
        const forget = { kind: 'forget-audit', fromSeq: 1, throughSeq: realm.index.seq } as const
        await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations: [forget] })
        await pass(world, TRIM_AGE_MIN_MS / 2)
      }
      dropAll(realm)
      await trim.step()
    }
    assert.deepEqual(await differ(world, { between, sliceKeys: 300 }), CLEAN)
    assert.ok(steps > 20)
    assert.ok((await store.anchor(realm.ordinal)).seq > 0, 'rows were trimmed off')
    assert.deepEqual(await differ(world), CLEAN)
    assert.equal(realm.index.removedEarly, 0)
  },
)

onBothStores('[W83] a loss after rows were trimmed is found by the kept rows', async (store) => {
  const world = await openWorld(store)
  const { realm } = world
  await filled(world)
  const forget = { kind: 'forget-audit', fromSeq: 1, throughSeq: realm.index.seq } as const
  await write(realm, { kind: 'release', id: 'h' })
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations: [forget] })
  await pass(world, TRIM_AGE_MIN_MS + 1)
  const trim = new LogTrim({ realm, auditRetentionMs: 0, rowsMin: 1 })
  while (await trim.step());
  assert.ok((await store.anchor(realm.ordinal)).seq > 10)
  lose(realm, digestKeyOf(digestAt(3)))
  assert.deepEqual(await differ(world), { ...CLEAN, missing: 1 })
})

onBothStores(
  '[W83] a check that is stopped, or whose realm is put out of order, reports nothing',
  async (store) => {
    const world = await openWorld(store)
    const { realm, realms } = world
    await filled(world)
    lose(realm, digestKeyOf(digestAt(3)))
    const differs = new IndexDiffer(realms.ledger)
    for (let steps = 0; steps < 3; steps += 1) {
      let left = steps
      const goesOn = (): boolean => {
        left -= 1
        return left >= 0
      }
      assert.equal(await differs.run(realm, { rest: async () => {}, goesOn }), undefined)
    }
    const between = (): void => realms.ledger.suspend(realm.ordinal)
    assert.equal(await differ(world, { between }), undefined)
  },
)

test('[W83] a row that is gone from the log is a fault of the log, and not a difference', async () => {
  const world = await openWorld()
  const { store } = world
  await filled(world)
  const rowsAfter = store.rowsAfter.bind(store)
  store.rowsAfter = async (ordinal, after, limit) =>
    (await rowsAfter(ordinal, after, limit)).filter(({ seq }) => seq !== 1)
  await assert.rejects(differ(world), ContractBroken)
})

test('[W83] an entry that leaves an index too early is counted, whatever dropped it; an expired one is not', async () => {
  const world = await openWorld()
  const { realm } = world
  const { index } = realm
  const nowMs = realm.nowMs()
  await write(realm, revoking(tokenTarget(1), nowMs + DAY_MS), revoking(tokenTarget(2), nowMs + 100 * DAY_MS))
  await write(realm, revoking(tokenTarget(3), KEEP_FOREVER_MS), revoking(ANN, nowMs + 100 * DAY_MS))
  await pass(world, 3 * DAY_MS)
  dropAll(realm)
  assert.deepEqual([index.ended.size, index.removedEarly], [4, 0])
  for (let slice = 0; slice < SLICES; slice += 1) index.ended.dropExpired(nowMs + 90 * DAY_MS, slice)
  assert.equal(index.removedEarly, 0, 'it is to be kept, and was')
  for (let slice = 0; slice < SLICES; slice += 1) index.ended.dropExpired(nowMs + 101 * DAY_MS, slice)
  assert.deepEqual([index.ended.size, index.removedEarly], [2, 2], 'a token has two keys')
  index.cutoffs.get('subject')?.dropExpired(KEEP_FOREVER_MS - 1)
  assert.equal(index.removedEarly, 3)
})

// By the rows alone, each of these would look like a difference.
test('[W83] a hold whose release was trimmed before it was read is not a difference', async () => {
  const world = await openWorld()
  const { realm } = world
  await write(realm, { kind: 'hold', id: 'h', target: tokenTarget(1) })
  for (let nth = 0; nth < 600; nth += 1) await write(realm, { kind: 'release', id: 'nothing' })
  await write(realm, { kind: 'release', id: 'h' }, { kind: 'release', id: 'nothing' })
  const forget = { kind: 'forget-audit', fromSeq: 1, throughSeq: realm.index.seq } as const
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations: [forget] })
  await pass(world, TRIM_AGE_MIN_MS + 1)
  const trim = new LogTrim({ realm, auditRetentionMs: 0, rowsMin: 1 })
  const between = async (nth: number): Promise<void> => {
    // The page with the hold has been read.
    if (nth === 0) while (await trim.step());
  }
  assert.deepEqual(await differ(world, { between }), CLEAN)
  assert.ok((await world.store.anchor(realm.ordinal)).seq > 600)
})

test('[W83] a cutoff that was dropped and set again by a later row need not have the first row’s values', async () => {
  const world = await openWorld()
  const { realm } = world
  await write(realm, revoking({ ...ANN, issuedBeforeMs: 5_000 }, realm.nowMs() + DAY_MS))
  await pass(world, 2 * DAY_MS)
  dropAll(realm)
  await write(realm, revoking(ANN, realm.nowMs() + LONG_MS))
  assert.deepEqual(await differ(world), CLEAN)
})

test('[W83] a cutoff may keep the values of a row that has expired and was trimmed', async () => {
  const world = await openWorld()
  const { realm } = world
  await write(realm, revoking({ ...ANN, issuedBeforeMs: 5_000 }, realm.nowMs() + DAY_MS))
  await write(realm, revoking(ANN, realm.nowMs() + LONG_MS), { kind: 'release', id: 'nothing' })
  const forget = { kind: 'forget-audit', fromSeq: 1, throughSeq: realm.index.seq } as const
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations: [forget] })
  await pass(world, TRIM_AGE_MIN_MS + 1)
  const trim = new LogTrim({ realm, auditRetentionMs: 0, rowsMin: 1 })
  while (await trim.step());
  assert.equal((await world.store.keptRows(realm.ordinal, 0, 1_000)).length < realm.index.seq - 1, true)
  assert.deepEqual(await differ(world), CLEAN)
})
