import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KEEP_FOREVER_MS } from '@rescind/core'
import type { Rule } from '@rescind/core/log'
import { FaultyStore } from '../../test/kit/faulty-store.ts'
import { MASTER, openWorld, START_MS, type World } from '../../test/kit/realm.ts'
import { DAY_MS, revoking, tokenTarget } from '../../test/kit/samples.ts'
import { SeededRandom } from '../../test/kit/seeded-random.ts'
import type { Realm } from '../realm/realm.ts'
import { Realms } from '../realm/realms.ts'
import { anchorHolds } from './log-anchor.ts'
import { LogTrim, TRIM_AGE_MIN_MS, TRIM_ROWS_MAX } from './log-trim.ts'

const AUDIT = { by: 'test', from: 'local', how: 'test' }
const CHANGE: Rule = { kind: 'change', collection: 'things', id: 'one', version: 1 }

async function write(realm: Realm, ...rules: readonly Rule[]): Promise<void> {
  const operations = rules.map((rule) => ({ kind: 'append', row: realm.row(rule, AUDIT) }) as const)
  const outcome = await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  assert.equal(outcome.kind, 'applied')
}

async function grow({ realms, realm, clock }: World, ms: number): Promise<void> {
  const forget = { kind: 'forget-audit', fromSeq: 1, throughSeq: realm.index.seq } as const
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations: [forget] })
  clock.advance(ms)
  realms.ledger.raiseFloor(clock.wallMs())
  await realms.ledger.settleFloor()
}

function trimOf(realm: Realm, rowsMin = 1): LogTrim {
  return new LogTrim({ realm, auditRetentionMs: 0, rowsMin })
}

async function trimAll(realm: Realm): Promise<void> {
  const trim = trimOf(realm)
  while (await trim.step());
}

async function seqs({ store, ordinal }: Realm): Promise<readonly [anchor: number, ...kept: number[]]> {
  const kept = await store.keptRows(ordinal, 0, 1_000)
  return [(await store.anchor(ordinal)).seq, ...kept.map(({ seq }) => seq)]
}

const changes = (count: number): readonly Rule[] => Array.from({ length: count }, () => CHANGE)

describe('trimming a log', () => {
  it('keeps epochs, rules that can hit something, and one change of each collection', async () => {
    const world = await openWorld()
    const { realm } = world
    const [over, alive] = [realm.nowMs() + DAY_MS, realm.nowMs() + 400 * DAY_MS]
    const start = realm.index.seq
    await write(realm, CHANGE, CHANGE, revoking(tokenTarget(1), over), revoking(tokenTarget(2), alive))
    await write(realm, revoking(tokenTarget(3), KEEP_FOREVER_MS), CHANGE)
    await grow(world, TRIM_AGE_MIN_MS + 1)
    await trimAll(realm)
    const [anchor, ...kept] = await seqs(realm)
    assert.equal(anchor, start + 5, 'the last row stays')
    assert.ok(kept.includes(1), 'the epoch')
    assert.deepEqual(
      kept.filter((seq) => seq > start),
      [start + 1, start + 4, start + 5],
    )
    await grow(world, 400 * DAY_MS)
    await trimAll(realm)
    assert.deepEqual(
      (await seqs(realm)).filter((seq) => seq > start + 3),
      [start + 5, start + 5],
    )
  })

  it('never goes past a hold that is in force, nor past a row that has its audit or is young', async () => {
    const world = await openWorld()
    const { realm } = world
    await write(realm, CHANGE, { kind: 'hold', id: 'h', target: tokenTarget(1) }, CHANGE, CHANGE)
    const held = realm.index.seq - 2
    await grow(world, TRIM_AGE_MIN_MS)
    await write(realm, CHANGE)
    await trimAll(realm)
    assert.equal((await seqs(realm))[0], held - 1)
    await write(realm, { kind: 'release', id: 'h' })
    await trimAll(realm)
    const released = realm.index.seq
    assert.equal((await seqs(realm))[0], held + 2, 'what came later is young')
    world.clock.advance(TRIM_AGE_MIN_MS)
    world.realms.ledger.raiseFloor(world.clock.wallMs())
    await world.realms.ledger.settleFloor()
    await trimAll(realm)
    assert.equal((await seqs(realm))[0], held + 2, 'what came later has its audit')
    await grow(world, 1)
    await trimAll(realm)
    assert.equal((await seqs(realm))[0], released - 1)
    const again = await reopened(world)
    assert.equal(again.index.holds.positionOf('h'), undefined)
  })

  it('continues where it stopped when a batch fails, is lost, or the server is killed between two', async () => {
    const store = new FaultyStore(START_MS)
    const world = await openWorld(store)
    const { realm } = world
    for (let nth = 0; nth < 3; nth += 1) await write(realm, ...changes(TRIM_ROWS_MAX))
    await write(realm, revoking(tokenTarget(1), KEEP_FOREVER_MS), CHANGE)
    await grow(world, TRIM_AGE_MIN_MS + 1)
    const trim = trimOf(realm)
    assert.equal(await trim.step(), true)
    for (const fate of ['fails-unwritten', 'fails-written'] as const) {
      store.fate = fate
      await assert.rejects(trim.step())
      store.fate = 'works'
      assert.ok(await anchorHolds(store, realm.ordinal, realm.keys.sealKey), fate)
    }
    const other = await reopened(world)
    assert.equal(other.index.seq, realm.index.seq)
    await trimAll(other)
    assert.equal((await seqs(other))[0], realm.index.seq - 1)
    assert.ok(await anchorHolds(store, realm.ordinal, realm.keys.sealKey))
    const last = await reopened(world)
    assert.deepEqual(last.index.epochs, realm.index.epochs)
    assert.equal(last.index.ended.size, 2)
  })

  it('leaves a few rows alone, and removes a batch at a time', async () => {
    const world = await openWorld()
    const { realm } = world
    await write(realm, ...changes(90 - realm.index.seq))
    await grow(world, TRIM_AGE_MIN_MS + 1)
    const trim = new LogTrim({ realm, auditRetentionMs: 0 })
    assert.equal(await trim.step(), false)
    assert.equal((await seqs(realm))[0], 0)
    await write(realm, ...changes(2 * TRIM_ROWS_MAX))
    await grow(world, TRIM_AGE_MIN_MS + 1)
    const anchors: number[] = []
    for (let more = true; more; anchors.push((await seqs(realm))[0])) more = await trim.step()
    assert.deepEqual(anchors, [TRIM_ROWS_MAX, 2 * TRIM_ROWS_MAX, 2 * TRIM_ROWS_MAX])
  })

  it('is detected when done without the key, as is a change of kept rows', async () => {
    const world = await openWorld()
    const { realm, store } = world
    const stands = (): Promise<boolean> => anchorHolds(store, realm.ordinal, realm.keys.sealKey)
    await write(realm, revoking(tokenTarget(1), KEEP_FOREVER_MS), ...changes(10))
    assert.ok(await stands())
    await grow(world, TRIM_AGE_MIN_MS + 1)
    await trimAll(realm)
    assert.ok(await stands())
    const [anchor, ...kept] = await seqs(realm)
    const operations = [{ kind: 'trim-log', throughSeq: anchor, keep: [], forget: kept.slice(-1) } as const]
    await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
    assert.equal(await stands(), false)
  })
})

async function reopened({ store, clock }: World): Promise<Realm> {
  const random = new SeededRandom('again')
  const realms = await Realms.open({ store, clock, master: MASTER, random, defer: queueMicrotask })
  return realms.default
}
