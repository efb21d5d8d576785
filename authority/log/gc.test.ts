import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TokenRecord } from '@rescind/core'
import { AUDIT, actOf, intentOf, issue, say, tryIssue } from '../../test/kit/acts.ts'
import { openWorld, type World } from '../../test/kit/realm.ts'
import { DAY_MS } from '../../test/kit/samples.ts'
import { storedKind } from '../kinds.ts'
import type { Realm } from '../realm/realm.ts'
import { revokePrincipals, revokeToken } from '../realm/revoke.ts'
import { collectEntries, collectExpired, GC_BATCH_MAX, type Staying } from './gc.ts'
import type { Operation } from './writes.ts'

/** Advances the clock, and makes the new floor durable. */
async function pass({ clock, realms }: World, ms: number): Promise<void> {
  clock.advance(ms)
  realms.ledger.raiseFloor(clock.wallMs())
  await realms.ledger.settleFloor()
}

const ASSIGNED = { kind: 'assigned', source: 'chat/acme' } as const

async function isKept(realm: Realm, { digest }: TokenRecord): Promise<boolean> {
  return (await realm.store.tokenByDigest(realm.ordinal, digest)) !== undefined
}

test('records go when they ended at or below the durable floor, and not before', async () => {
  const world = await openWorld()
  const { realm, realms, store, clock } = world
  const ending = await issue(realm, 'ending', { expiresAtMs: realm.nowMs() + 1_000 })
  const living = await issue(realm, 'living', { expiresAtMs: realm.nowMs() + 1_001 })
  clock.advance(DAY_MS)
  assert.equal(await collectExpired(realms, store), 0, 'the clock alone ends nothing')
  clock.advance(1_000 - DAY_MS)
  await pass(world, 0)
  assert.equal(await collectExpired(realms, store), 1)
  assert.deepEqual([await isKept(realm, ending), await isKept(realm, living)], [false, true])
  assert.deepEqual([await say(realm, 'ending'), await say(realm, 'living')], ['unknown', 'active'])
})

test('revoked assigned text leaves its digest for good, other text leaves nothing (model §2.5)', async () => {
  const world = await openWorld()
  const { realm, realms, store } = world
  const [one, cutoff, expired] = [
    await issue(realm, 'one', ASSIGNED),
    await issue(realm, 'cut', { ...ASSIGNED, client: 'd' }),
    await issue(realm, 'expired', { ...ASSIGNED, client: 'e' }),
  ]
  const minted = await issue(realm, 'minted')
  await revokeToken(realm, one, actOf(realm))
  await revokeToken(realm, minted, actOf(realm))
  const principals = { source: 'chat/acme', client: 'd' }
  await revokePrincipals(realm, { shape: 'client', principals }, actOf(realm))
  await pass(world, 2 * DAY_MS)
  assert.equal(await collectExpired(realms, store), 4)
  const stones = [one, cutoff, expired, minted].map(({ digest }) => store.isTombstone(realm.ordinal, digest))
  assert.deepEqual(await Promise.all(stones), [true, true, false, false])
  assert.equal(
    (await tryIssue(realm, intentOf(realm, 'expired', ASSIGNED))).kind,
    'issued',
    'it may be bound again',
  )
})

test('one step takes a batch, of all realms, and says how much it took', async () => {
  const world = await openWorld()
  const { realm, realms, store } = world
  const other = await realms.create('other', AUDIT)
  for (let at = 0; at < GC_BATCH_MAX; at += 1) await issue(realm, `one ${at}`)
  for (let at = 0; at < 5; at += 1) await issue(other, `two ${at}`)
  await pass(world, 2 * DAY_MS)
  assert.equal(await collectExpired(realms, store), GC_BATCH_MAX)
  assert.equal(await collectExpired(realms, store), 5)
  assert.equal(await collectExpired(realms, store), 0)
})

test('[W93] records that a rolled-back realm must keep are skipped, and those of others are collected', async () => {
  const world = await openWorld()
  const { realm, realms, store } = world
  const other = await realms.create('other', AUDIT)
  const expiresAtMs = realm.nowMs() + DAY_MS
  for (let at = 0; at < 2 * GC_BATCH_MAX + 3; at += 1) await issue(realm, `one ${at}`, { expiresAtMs })
  const entry = (nth: number): Operation => {
    const value = Buffer.alloc(1)
    return { kind: 'put-expiring', entry: { kind: storedKind('k'), id: String(nth), value, expiresAtMs } }
  }
  for (const [of, count] of [
    [realm, GC_BATCH_MAX + 1],
    [other, 5],
  ] as const) {
    const operations = Array.from({ length: count }, (_, nth) => entry(nth))
    await of.commit({ realm: of.ordinal, dependsOn: [], expects: [], operations })
  }
  for (let at = 0; at < 5; at += 1) await issue(other, `two ${at}`, { expiresAtMs: expiresAtMs + 1 })
  await pass(world, 2 * DAY_MS)
  realms.ledger.suspend(realm.ordinal)
  const [tokens, entries]: readonly Staying[] = [{ after: undefined }, { after: undefined }]
  assert.ok(tokens !== undefined && entries !== undefined)
  while ((await collectExpired(realms, store, { staying: tokens })) === GC_BATCH_MAX);
  while ((await collectEntries(realms, store, { staying: entries })) === GC_BATCH_MAX);
  const left = await store.expiredTokens(await store.floor(), 1_000)
  assert.equal(left.length, 2 * GC_BATCH_MAX + 3)
  assert.ok(left.every((one) => one.realm === realm.ordinal))
  assert.equal((await store.expiredEntries(await store.floor(), 1_000)).length, GC_BATCH_MAX + 1)
  const [lastToken, lastEntry] = [
    left.at(-1),
    (await store.expiredEntries(await store.floor(), 1_000)).at(-1),
  ]
  assert.deepEqual([tokens.after, entries.after], [lastToken?.place, lastEntry?.place])
})

test('[W93] a realm whose part of a step fails keeps its records, and those of the others are removed', async () => {
  const world = await openWorld()
  const { realm, realms, store } = world
  const other = await realms.create('other', AUDIT)
  await issue(realm, 'one')
  await issue(other, 'two')
  await pass(world, 2 * DAY_MS)
  const staying: Staying = { after: undefined }
  const each = async (of: Realm, task: () => Promise<unknown>): Promise<boolean> => {
    if (of === realm) return false
    await task()
    return true
  }
  assert.equal(await collectExpired(realms, store, { staying, each }), 2)
  const left = await store.expiredTokens(await store.floor(), 10)
  assert.deepEqual([staying.after, left.map((one) => one.realm)], [left[0]?.place, [realm.ordinal]])
})

test('collecting writes no row, and a token that was extended in time stays', async () => {
  const world = await openWorld()
  const { realm, realms, store } = world
  const { digest } = await issue(realm, 'extended', ASSIGNED)
  await issue(realm, 'ended')
  const extend = {
    kind: 'extend-token',
    digest,
    source: 'oauth',
    expiresAtMs: realm.nowMs() + 9 * DAY_MS,
    atMs: realm.nowMs(),
  } as const
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations: [extend] })
  await pass(world, 2 * DAY_MS)
  const { seq } = realm.index
  assert.equal(await collectExpired(realms, store), 1)
  assert.deepEqual([realm.index.seq, await say(realm, 'extended')], [seq, 'active'])
})
