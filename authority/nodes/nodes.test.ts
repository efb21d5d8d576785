import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RealmOrdinal, realmOrdinal } from '@rescind/core'
import { HandClock } from '../../test/kit/realm.ts'
import type { LogHead } from '../log/writes.ts'
import type { Heads } from './heartbeat.ts'
import { Nodes } from './nodes.ts'

const REALM = realmOrdinal(1)
const HEAD: LogHead = { seq: 5, chain: Buffer.alloc(32) }

test('heads that could not be folded are owed by the heartbeats after', async () => {
  const clock = new HandClock()
  // The first is that of joining.
  const beats: Heads[] = [new Map(), new Map([[REALM, HEAD]])]
  const due: (() => void)[] = []
  const nodes = await Nodes.join({
    port: {
      counts: { groups: 0, retries: 0, unknown: 0 },
      self: 'a',
      register: async () => {},
      beat: async () => ({ heads: beats.shift() ?? new Map(), forked: [], rows: [], nowMs: clock.wallMs() }),
      mark: async () => true,
      read: async () => undefined,
      readInstances: async () => ({ next: '0', nodes: new Set(), rows: [] }),
      claimUpkeep: async () => 'other',
      forgetDead: async () => {},
      leave: async () => {},
      takeover: {
        testify: async () => undefined,
        settle: async () => false,
        goOn: async () => false,
        end: () => {},
      },
    },
    clock,
    later: (_ms, task) => {
      due.push(task)
      return () => {}
    },
    boundMs: 1_000,
    acknowledge: 'everywhere',
  })
  let isReadable = false
  const asked: [RealmOrdinal, LogHead][] = []
  nodes.begin({
    foldedSeq: () => 0,
    foldedThrough: async (realm, head) => {
      asked.push([realm, head])
      return isReadable
    },
    suspend: () => {},
    isSuspended: () => false,
    openRealms: [],
    settled: () => {},
    testimony: () => undefined,
  })
  const beat = async (times: number): Promise<void> => {
    for (let turn = 0; turn < 100 && asked.length < times; turn += 1) {
      for (const task of due.splice(0)) task()
      await Promise.resolve()
    }
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
  }
  await beat(2)
  assert.equal(nodes.isFresh, false)
  isReadable = true
  await beat(3)
  assert.equal(nodes.isFresh, true)
  assert.deepEqual(asked, [
    [REALM, HEAD],
    [REALM, HEAD],
    [REALM, HEAD],
  ])
})
