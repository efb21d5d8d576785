import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RealmOrdinal, realmOrdinal, StoreUnavailable } from '@rescind/core'
import { stubNode, stubPort } from '../../test/kit/stub-node.ts'
import type { LogHead } from '../log/writes.ts'
import { REFUSED } from './lease.ts'
import type { FoldedLogs } from './nodes.ts'

const REALM = realmOrdinal(1)
const HEAD: LogHead = { seq: 5, chain: Buffer.alloc(32) }

const LOGS: FoldedLogs = {
  foldedThrough: async () => true,
  suspend: () => {},
  isSuspended: () => false,
  openRealms: [],
  settled: () => {},
  testimony: () => undefined,
  close: async () => {},
}

async function joined(ledger: Partial<FoldedLogs> = {}, boundMs = 1_000) {
  const node = await stubNode({ boundMs, heads: new Map([[REALM, HEAD.seq]]) })
  return { ...node, begin: () => node.nodes.begin({ ...LOGS, ...ledger }) }
}

test('heads that could not be folded are owed by the heartbeats after', async () => {
  let isReadable = false
  const asked: [RealmOrdinal, LogHead][] = []
  const { time, nodes, beats, begin } = await joined({
    foldedThrough: async (realm, head) => {
      asked.push([realm, head])
      return isReadable
    },
  })
  beats.push(new Map([[REALM, HEAD]]))
  begin()
  await time.run(25)
  assert.equal(nodes.isFresh, false)
  isReadable = true
  await time.run(20)
  assert.equal(nodes.isFresh, true)
  assert.deepEqual(asked, [
    [REALM, HEAD],
    [REALM, HEAD],
    [REALM, HEAD],
  ])
})

test('streams end when heartbeats are answered for two seconds, but cannot be folded', async () => {
  let isReadable = true
  const { time, nodes, beats, begin } = await joined({ foldedThrough: async () => isReadable })
  let ends = 0
  nodes.onSilent(() => (ends += 1))
  begin()
  await time.run(10_000)
  assert.equal(ends, 0)
  isReadable = false
  beats.push(new Map([[REALM, HEAD]]))
  await time.run(2_000)
  assert.equal(ends, 0)
  await time.run(1_000)
  assert.ok(ends > 0)
  assert.ok(nodes.silentMs < 100)
})

test('a node with the longest bound keeps its streams', async () => {
  const { time, nodes, begin } = await joined({}, 10_000)
  nodes.onSilent(() => assert.fail('its streams end'))
  begin()
  await time.run(30_000)
  assert.equal(nodes.isFresh, true)
})

test('a node acknowledges nothing by a row whose consequences it has not settled itself', async () => {
  const { time, nodes, begin } = await joined()
  begin()
  nodes.folded(REALM, { ...HEAD, seq: 4 })
  let isEverywhere = false
  const waiting = nodes.everywhere([REALM]).then(() => {
    isEverywhere = true
  })
  await time.run(500)
  assert.equal(isEverywhere, false)
  nodes.folded(REALM, HEAD)
  await time.run(100)
  assert.equal(isEverywhere, true)
  await waiting
})

test('an answer about a realm that is refused waits for no row that will never be folded', async () => {
  const { time, nodes, begin } = await joined()
  begin()
  nodes.refused(REALM)
  const waiting = nodes.everywhere([REALM])
  await time.run(100)
  await waiting
})

test('a node whose marks may be lost says again what it has folded, and what it refuses', async () => {
  const [folded, refused] = [REALM, realmOrdinal(2)]
  const settled: RealmOrdinal[] = []
  const { time, marks, begin, told } = await joined({
    openRealms: [folded, refused],
    isSuspended: (realm) => realm === refused,
    settled: (realm) => settled.push(realm),
  })
  begin()
  told().reconnected()
  await time.run(100)
  assert.deepEqual([settled, marks], [[folded], [new Map([[refused, REFUSED]])]])
})

/** A node in whose log a new epoch has begun. */
async function ending(canLeave: boolean) {
  const done: string[] = []
  const { takeover } = stubPort(() => 0)
  const node = await stubNode({
    leave: () => {
      done.push('left')
      return canLeave ? Promise.resolve() : new Promise(() => {})
    },
    takeover: { ...takeover, end: () => done.push('ended') },
  })
  const { nodes, time } = node
  nodes.onSilent(() => done.push('streams ended'))
  nodes.begin({ ...LOGS, close: async () => void done.push('wrote the last group') })
  await time.run(100)
  assert.equal(nodes.isFresh, true)
  nodes.epochBegun()
  nodes.epochBegun()
  return { ...node, done }
}

test('a process that a new epoch ends says nothing more, and leaves first', async () => {
  const { time, nodes, done } = await ending(true)
  assert.equal(nodes.isFresh, false)
  await assert.rejects(nodes.fresh(), StoreUnavailable)
  await time.run(0)
  assert.deepEqual(done, ['streams ended', 'wrote the last group', 'left', 'ended'])
})

test('a process that a new epoch ends waits two seconds for the store to take its leave', async () => {
  const { time, nodes, done } = await ending(false)
  await time.run(1_999)
  assert.deepEqual([nodes.isFresh, done.at(-1)], [false, 'left'])
  await time.run(1)
  assert.equal(done.at(-1), 'ended')
})

test('the keys of other nodes are those that each announced, none of a node that joins meanwhile, and those of no lapsed one', async () => {
  const marks = new Map<RealmOrdinal, number>()
  const rows = [
    { node: 'a', counter: 1, boundMs: 1_000, marks },
    { node: 'b', counter: 1, boundMs: 1_000, marks },
  ]
  const { time, nodes } = await stubNode({
    announcedKeys: async () => {
      const now = rows.map(({ node }) => [node, [`key of ${node}`]] as const)
      // It joins, and announces its keys, before the lease rows are read.
      if (rows.length === 2) rows.push({ node: 'c', counter: 1, boundMs: 1_000, marks })
      return new Map(now)
    },
    read: async () => ({ rows, heads: new Map() }),
  })
  assert.deepEqual(await nodes.keysOfOthers(), [['key of b'], []])
  await time.run(1_100)
  rows[2] = { node: 'c', counter: 2, boundMs: 1_000, marks }
  assert.deepEqual(await nodes.keysOfOthers(), [['key of c']])
})
