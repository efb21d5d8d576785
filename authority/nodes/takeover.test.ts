import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realmOrdinal } from '@rescind/core'
import { HandTime, settled } from '../../test/kit/hand-timers.ts'
import {
  type Decision,
  decide,
  type FoundHead,
  type KnownHead,
  lackingIn,
  type Situation,
  Takeover,
  TESTIMONY_WAIT_MS,
} from './takeover.ts'

const [ONE, TWO] = [realmOrdinal(1), realmOrdinal(2)]
const chain = (nth: number): Buffer => Buffer.alloc(32, nth)
const KNOWN: KnownHead = { seq: 5, chain: chain(5), ordinal: 1, groups: 9 }
const WHOLE: FoundHead = { seq: 5, groups: 9, chainAt: chain(5) }
const QUIET: Situation = {
  ...{ place: '7/00000002', isSettled: false, isJoined: false },
  ...{ ownLacking: [], lacking: [], silent: [] },
}

test('a log that reaches what a node knows, with the same chain and as many groups, lacks nothing', () => {
  const known = new Map([[ONE, KNOWN]])
  for (const [found, isWhole] of [
    [WHOLE, true],
    [{ seq: 8, groups: 12, chainAt: chain(5) }, true],
    [{ ...WHOLE, seq: 4 }, false],
    [{ ...WHOLE, chainAt: chain(6) }, false],
    [{ ...WHOLE, chainAt: undefined }, false],
    // A refresh token was used: that leaves no row.
    [{ ...WHOLE, groups: 8 }, false],
  ] as const)
    assert.deepEqual(lackingIn(known, new Map([[ONE, found]])), isWhole ? [] : [ONE])
})

test('a realm that the server does not have lacks everything, unless nothing was written there', () => {
  const empty = { seq: 0, chain: chain(0), ordinal: 0, groups: 0 }
  assert.deepEqual(lackingIn(new Map([[ONE, KNOWN]]), new Map()), [ONE])
  assert.deepEqual(lackingIn(new Map([[ONE, empty]]), new Map()), [])
  assert.deepEqual(lackingIn(new Map([[ONE, { ...empty, groups: 1 }]]), new Map()), [ONE])
})

test('tokens live on only when every node has said what it knows, and nothing of that is missing', () => {
  const cases: readonly (readonly [Partial<Situation>, number, Decision])[] = [
    [{}, 0, { kind: 'go-on', isSettled: false }],
    [{ silent: ['b'] }, 0, { kind: 'wait' }],
    [{ silent: ['b'], lacking: [ONE] }, TESTIMONY_WAIT_MS - 1, { kind: 'wait' }],
    [{ silent: ['b'] }, TESTIMONY_WAIT_MS, { kind: 'new-epoch', realms: 'all' }],
    [{ lacking: [TWO] }, 0, { kind: 'new-epoch', realms: [TWO] }],
    [{ isSettled: true }, 0, { kind: 'go-on', isSettled: true }],
    // Settled without this node: what it knows counts all the same.
    [{ isSettled: true, ownLacking: [ONE], lacking: [ONE, TWO] }, 0, { kind: 'new-epoch', realms: [ONE] }],
    [{ isSettled: true, isJoined: true, ownLacking: [ONE] }, 0, { kind: 'end' }],
  ]
  for (const [situation, waitedMs, decision] of cases)
    assert.deepEqual(decide({ ...QUIET, ...situation }, waitedMs), decision)
})

/** A node whose store answers what the test says. */
function node(canGoOn = true) {
  const time = new HandTime()
  const done: string[] = []
  const told: string[] = []
  const seen: { situation: Situation | undefined } = { situation: undefined }
  const takeover = new Takeover({
    ...{ clock: time, later: time.after },
    look: async () => seen.situation,
    settle: async ({ kind }, place) => done.push(`${kind} ${place}`) > 0,
    goOn: async () => done.push('on') > 0 && canGoOn,
    end: () => done.push('end'),
    told: (event) => told.push(event.kind === 'new-epoch' ? `${event.kind} in ${event.realms}` : event.kind),
  })
  return { time, done, told, seen, takeover }
}

test('a node waits for the others, and goes on when all have testified', async () => {
  const { time, done, told, seen, takeover } = node()
  takeover.begin()
  takeover.begin()
  await time.run(1_000)
  assert.deepEqual(told, ['taken-over'])
  seen.situation = { ...QUIET, silent: ['b'] }
  await time.run(1_000)
  assert.deepEqual(done, [])
  seen.situation = QUIET
  await time.run(100)
  assert.deepEqual(done, ['go-on 7/00000002', 'on'])
  await time.run(1_000)
  assert.equal(done.length, 2)
  assert.deepEqual(told, ['taken-over', 'went-on'])
})

test('a node ends once its testimony is joined with a new epoch, and no earlier', async () => {
  const { time, done, told, seen, takeover } = node()
  seen.situation = { ...QUIET, lacking: [ONE], ownLacking: [ONE] }
  takeover.begin()
  await settled()
  assert.deepEqual(done, ['new-epoch 7/00000002'])
  seen.situation = { ...QUIET, isSettled: true, isJoined: true }
  await time.run(100)
  assert.deepEqual(done, ['new-epoch 7/00000002', 'end'])
  assert.deepEqual(told, ['taken-over', `new-epoch in ${ONE}`])
})

test('another server that takes over while nodes are waited for makes the wait begin anew', async () => {
  const { time, done, seen, takeover } = node()
  seen.situation = { ...QUIET, silent: ['b'] }
  takeover.begin()
  await time.run(TESTIMONY_WAIT_MS - 100)
  seen.situation = { ...QUIET, place: '7/00000003', silent: ['b'] }
  await time.run(TESTIMONY_WAIT_MS - 100)
  assert.deepEqual(done, [])
  await time.run(300)
  assert.equal(done[0], 'new-epoch 7/00000003')
})

test('a node that cannot go on yet tries again', async () => {
  const { time, done, told, seen, takeover } = node(false)
  seen.situation = { ...QUIET, isSettled: true }
  takeover.begin()
  await time.run(200)
  assert.deepEqual(done.slice(0, 2), ['on', 'on'])
  assert.deepEqual(told, ['taken-over'])
  takeover.close()
  const { length } = done
  await time.run(1_000)
  assert.equal(done.length, length)
})
