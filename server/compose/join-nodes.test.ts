import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodesTold, Situation } from '@rescind/authority'
import { realmOrdinal, StoreRefused } from '@rescind/core'
import { pino } from 'pino'
import { HandTime } from '../../test/kit/hand-timers.ts'
import { stubPort } from '../../test/kit/stub-node.ts'
import { until } from '../../test/kit/until.ts'
import { joinNodes } from './join-nodes.ts'

const QUIET: Situation = {
  ...{ place: '7/00000002', isSettled: false, isJoined: false },
  ...{ ownLacking: [], lacking: [], silent: [] },
}

const CONFIG = { nodeBound: 1_000, acknowledge: 'everywhere' } as const

test('the log says when another server takes over, and how that ends', async () => {
  const lines: { readonly level: number; readonly msg: string; readonly realms?: readonly number[] }[] = []
  const log = pino({ level: 'warn' }, { write: (line) => void lines.push(JSON.parse(line)) })
  const clock = new HandTime()
  let told: NodesTold | undefined
  let situation = QUIET
  let hasEnded = false
  const port = stubPort(() => clock.wallMs(), {
    register: async (_boundMs, tells) => {
      told = tells
    },
    takeover: {
      testify: async () => situation,
      settle: async () => {
        situation = { ...situation, isSettled: true, isJoined: situation.lacking.length > 0 }
        return true
      },
      goOn: async () => true,
      end: () => {
        hasEnded = true
      },
    },
  })
  const store = { nodes: port, close: async () => {} }
  const nodes = await joinNodes(store, CONFIG, { clock, log })
  nodes?.begin({
    ...{ foldedThrough: async () => true, suspend: () => {}, isSuspended: () => false, settled: () => {} },
    ...{
      close: async () => {},
      openRealms: [],
      testimony: () => ({ heads: new Map(), rowsAfter: () => [] }),
    },
  })
  told?.takenOver()
  await until(() => lines.length === 2)
  situation = { ...QUIET, lacking: [realmOrdinal(1)] }
  told?.takenOver()
  await until(() => hasEnded)
  assert.deepEqual(
    lines.map(({ msg, realms }) => [msg.split(/[;:]/)[0], realms]),
    [
      ['another PostgreSQL server has taken over', undefined],
      ['nothing is missing on the server that took over', undefined],
      ['another PostgreSQL server has taken over', undefined],
      ['a new epoch has begun on the server that took over', [1]],
    ],
  )
  assert.ok(lines.every(({ level }) => level === 40))
  await nodes?.leave()
})

test('a process that cannot join the others takes its row back before the store is closed', async () => {
  const done: string[] = []
  const nodes = stubPort(() => 0, {
    failure: 'it is gone',
    register: async () => {
      done.push('register')
    },
    beat: async () => undefined,
    leave: async () => {
      done.push('leave')
    },
  })
  const close = async (): Promise<void> => {
    done.push('close')
  }
  const parts = { clock: new HandTime(), log: pino({ level: 'silent' }) }
  await assert.rejects(joinNodes({ nodes, close }, CONFIG, parts), (error) => {
    assert.ok(error instanceof StoreRefused)
    assert.equal(error.message, 'store: the store takes no heartbeat: it is gone')
    return true
  })
  assert.deepEqual(done, ['register', 'leave', 'close'])
})
