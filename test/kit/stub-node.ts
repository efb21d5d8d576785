import assert from 'node:assert/strict'
import { type Beat, type FoldMarksOf, Nodes, type NodesPort, type NodesTold } from '@rescind/authority'
import type { RealmOrdinal } from '@rescind/core'
import { HandTime } from './hand-timers.ts'

export type StubNode = {
  readonly time: HandTime
  readonly nodes: Nodes
  /** Heads that the next heartbeats see. */
  readonly beats: Beat['heads'][]
  readonly marks: FoldMarksOf[]
  readonly told: () => NodesTold
}

/** A store that answers at once, and shows no other node. */
export function stubPort(nowMs: () => number, more: Partial<NodesPort> = {}): NodesPort {
  return {
    counts: { groups: 0, retries: 0, unknown: 0 },
    self: 'a',
    failure: undefined,
    register: async () => {},
    beat: async () => ({ heads: new Map(), forked: [], rows: [], nowMs: nowMs() }),
    mark: async () => true,
    read: async () => ({ rows: [], heads: new Map() }),
    readInstances: async () => ({ next: '0', nodes: new Set(), rows: [] }),
    claimUpkeep: async () => 'other',
    forgetDead: async () => {},
    announceKeys: async () => {},
    announcedKeys: async () => new Map(),
    leave: async () => {},
    takeover: {
      testify: async () => undefined,
      settle: async () => false,
      goOn: async () => false,
      end: () => {},
    },
    ...more,
  }
}

type Stub = Partial<NodesPort> & {
  readonly boundMs?: number
  readonly heads?: ReadonlyMap<RealmOrdinal, number>
}

/** A node whose store answers at once. */
export async function stubNode({
  boundMs = 1_000,
  heads = new Map(),
  ...more
}: Stub = {}): Promise<StubNode> {
  const time = new HandTime()
  const beats: Beat['heads'][] = []
  const marks: FoldMarksOf[] = []
  let told: NodesTold | undefined
  const port = stubPort(() => time.wallMs(), {
    register: async (_boundMs, tells) => {
      told = tells
    },
    beat: async () => ({ heads: beats.shift() ?? new Map(), forked: [], rows: [], nowMs: time.wallMs() }),
    mark: async (given) => marks.push(given) > 0,
    read: async () => ({ rows: [], heads }),
    ...more,
  })
  const nodes = await Nodes.join({
    ...{ port, clock: time, later: time.after, boundMs, acknowledge: 'everywhere', told: () => {} },
  })
  return { time, nodes, beats, marks, told: () => told ?? assert.fail() }
}
