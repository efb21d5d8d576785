import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  collectExpired,
  type NodesPort,
  needActiveKey,
  revokePrincipals,
  rotateDueKeys,
  type Store,
  UPKEEP,
  type WriteOutcome,
} from '@rescind/authority'
import type { TokenRecord } from '@rescind/core'
import { actOf, issue } from '../../test/kit/acts.ts'
import { DAY_MS } from '../../test/kit/samples.ts'
import { caughtUp, type SharedNode, sharedNodes, until } from '../../test/kit/shared-nodes.ts'
import { wrappedStore } from '../../test/kit/wrapped-store.ts'
import { append, commit, REALM, writeIn } from '../contract/samples.ts'

const { open, openStore, openOn } = sharedNodes()
const BOUND_MS = 1_000
const LAPSED_MS = 2_000

function portOf({ nodes }: Store): NodesPort {
  assert.ok(nodes !== undefined)
  return nodes
}

/** A store whose node has a lease row. */
async function joined(): Promise<Store> {
  const store = await openStore()
  await portOf(store).register(BOUND_MS, {
    marked: () => {},
    forked: () => {},
    takenOver: () => {},
    reconnected: () => {},
  })
  await portOf(store).beat([])
  return store
}

async function upkeepIn(store: Store): Promise<readonly WriteOutcome[]> {
  const upkeep = { ...writeIn(REALM, append()), ...UPKEEP }
  return (await commit(store, upkeep, writeIn(REALM, append()))).outcomes
}

function kinds(outcomes: readonly WriteOutcome[]): readonly string[] {
  return outcomes.map(({ kind }) => kind)
}

test('one node does the upkeep while its heartbeats go on', async () => {
  const [a, b] = [await joined(), await joined()]
  assert.equal(await portOf(a).claimUpkeep(0), 'taken')
  for (let round = 0; round < 3; round += 1) {
    assert.equal(await portOf(b).claimUpkeep(round * LAPSED_MS), 'other')
    await portOf(a).beat([])
  }
  assert.equal(await portOf(a).claimUpkeep(0), 'kept')
  assert.deepEqual(kinds(await upkeepIn(a)), ['applied', 'applied'])
  assert.deepEqual(kinds(await upkeepIn(b)), ['stale', 'applied'], 'it never had its turn')
})

test('a node that stood still is taken over from, and its upkeep is written no more', async () => {
  const [a, b] = [await joined(), await joined()]
  assert.equal(await portOf(a).claimUpkeep(0), 'taken')
  assert.equal(await portOf(b).claimUpkeep(0), 'other')
  assert.equal(await portOf(b).claimUpkeep(BOUND_MS), 'other', 'its lease may not be over yet')
  assert.equal(await portOf(b).claimUpkeep(LAPSED_MS), 'taken')
  assert.deepEqual(kinds(await upkeepIn(a)), ['stale', 'applied'], 'what it asked of others is written')
  assert.deepEqual(kinds(await upkeepIn(b)), ['applied', 'applied'])
  assert.equal(await portOf(a).claimUpkeep(0), 'other')
})

test('who takes over waits for the group of the one before', async () => {
  const [a, b] = [await joined(), await joined()]
  assert.equal(await portOf(a).claimUpkeep(0), 'taken')
  assert.equal(await portOf(b).claimUpkeep(0), 'other')
  for (let round = 1; round <= 10; round += 1) {
    const [own, other] = round % 2 === 1 ? [a, b] : [b, a]
    const [outcomes, turn] = await Promise.all([
      upkeepIn(own),
      portOf(other).claimUpkeep(round * 2 * LAPSED_MS),
    ])
    assert.equal(turn, 'taken')
    // Either it came first, or it is refused; never half.
    assert.ok(['applied', 'stale'].includes(outcomes[0]?.kind ?? ''))
    assert.deepEqual(kinds(await upkeepIn(own)), ['stale', 'applied'])
    assert.equal(await portOf(own).claimUpkeep(round * 2 * LAPSED_MS), 'other')
  }
})

test('a node that left is taken over from', async () => {
  const [a, b] = [await joined(), await joined()]
  assert.equal(await portOf(a).claimUpkeep(0), 'taken')
  await portOf(a).leave()
  assert.equal(await portOf(b).claimUpkeep(0), 'other')
  assert.equal(await portOf(b).claimUpkeep(LAPSED_MS), 'taken')
})

const ASSIGNED = { kind: 'assigned', source: 'chat/acme', client: 'c' } as const

/** What collecting leaves of an ended text when another node's cutoff comes between its decision and its commit. */
async function collectedLate(a: SharedNode, b: SharedNode, text: TokenRecord): Promise<void> {
  const { realms, clock } = a
  clock.advance(2 * DAY_MS)
  realms.ledger.raiseFloor(clock.wallMs())
  await realms.ledger.settleFloor()
  const each = async (_realm: unknown, task: () => Promise<unknown>): Promise<boolean> => {
    const cutoff = { shape: 'client', principals: { source: text.source, client: 'c' } } as const
    assert.equal((await revokePrincipals(b.realm, cutoff, actOf(b.realm))).kind, 'revoked')
    await task()
    return true
  }
  await collectExpired(realms, a.store, { each })
  await until(() => a.realm.index.seq === b.realm.index.seq)
  await collectExpired(realms, a.store)
}

test('a text that another node revokes while it is collected leaves its digest for good', async () => {
  const [a, b] = [await open('a'), await open('b')]
  assert.equal(await portOf(a.store).claimUpkeep(0), 'taken')
  const text = await issue(a.realm, 'chosen text', ASSIGNED)
  await collectedLate(a, b, text)
  assert.equal(await b.store.tokenByDigest(b.realm.ordinal, text.digest), undefined)
  assert.equal(await b.store.isTombstone(b.realm.ordinal, text.digest), true)
})

test('a node that missed rows which are trimmed by now has to end', async () => {
  const store = await openStore()
  // This one hears of nothing that others write.
  const deaf = wrappedStore(store, (name, call) => (name === 'watch' ? () => {} : call()))
  const ended: string[] = []
  const [a, b] = [await openOn(deaf, 'a', { mustEnd: (why) => ended.push(why) }), await open('b')]
  const cutoff = { shape: 'client', principals: { source: 'oauth', client: 'c' } } as const
  for (let nth = 0; nth < 3; nth += 1) await revokePrincipals(b.realm, cutoff, actOf(b.realm))
  const { seq: throughSeq } = b.realm.index
  await revokePrincipals(b.realm, cutoff, actOf(b.realm))
  const operations = [{ kind: 'trim-log', throughSeq, keep: [], forget: [] }] as const
  const trimmed = await b.realm.commit({ realm: b.realm.ordinal, ...UPKEEP, operations })
  assert.equal(trimmed.kind, 'applied')
  assert.equal((await revokePrincipals(a.realm, cutoff, actOf(a.realm))).kind, 'stale')
  assert.equal(ended.length, 1)
  assert.match(ended[0] ?? '', /trimmed further than this process had read/)
})

test('signing keys that are due are rotated by the node whose turn it is', async () => {
  const [ours, others] = [await joined(), await joined()]
  const [a, b] = [await openOn(ours, 'a'), await openOn(others, 'b')]
  await needActiveKey(a.realm, 'ES256')
  assert.equal(await portOf(ours).claimUpkeep(0), 'taken')
  await caughtUp(b, a)
  for (const { clock } of [a, b]) clock.advance(DAY_MS)
  assert.equal(await rotateDueKeys(b.realm, DAY_MS), 0)
  assert.equal(await rotateDueKeys(a.realm, DAY_MS), 1)
})
