import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorld, type World } from '../test/kit/realm.ts'
import { collectExpired, GC_BATCH_MAX } from './gc.ts'
import { AUDIT, actOf, intentOf, issue, say, tryIssue } from './property/acts.ts'
import { DAY_MS } from './property/samples.ts'
import type { Realm } from './realm.ts'
import type { TokenRecord } from './records.ts'
import { revokePrincipals, revokeToken } from './revoke.ts'

/** Lets time pass, durably. */
async function pass({ clock, realms }: World, ms: number): Promise<void> {
  clock.advance(ms)
  realms.ledger.raiseFloor(clock.wallMs())
  await realms.ledger.settleFloor()
}

const ASSIGNED = { kind: 'assigned', source: 'chat/acme' } as const

function isKept(realm: Realm, { digest }: TokenRecord): boolean {
  return realm.store.tokenByDigest(realm.ordinal, digest) !== undefined
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
  assert.deepEqual([isKept(realm, ending), isKept(realm, living)], [false, true])
  assert.deepEqual([await say(realm, 'ending'), await say(realm, 'living')], ['unknown', 'active'])
})

test('revoked assigned text leaves its digest for good, other text leaves nothing (model §2.5)', async () => {
  const world = await openWorld()
  const { realm, realms, store } = world
  const [one, cut, expired] = [
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
  const stones = [one, cut, expired, minted].map(({ digest }) => store.isTombstone(realm.ordinal, digest))
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

test('collecting writes no row, and a token that was extended in time stays', async () => {
  const world = await openWorld()
  const { realm, realms, store } = world
  const { digest } = await issue(realm, 'extended', ASSIGNED)
  await issue(realm, 'ended')
  const extend = {
    kind: 'extend-token',
    digest,
    expiresAtMs: realm.nowMs() + 9 * DAY_MS,
    atMs: realm.nowMs(),
  } as const
  await realm.commit({ realm: realm.ordinal, standsOn: [], expects: [], operations: [extend] })
  await pass(world, 2 * DAY_MS)
  const { seq } = realm.index
  assert.equal(await collectExpired(realms, store), 1)
  assert.deepEqual([realm.index.seq, await say(realm, 'extended')], [seq, 'active'])
})
