import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodesPort } from '@rescind/authority'
import { StoreRefused } from '@rescind/core'
import { HandTime } from '../../test/kit/hand-timers.ts'
import { joinNodes } from './join-nodes.ts'

test('a process that cannot join the others takes its row back before the store is closed', async () => {
  const done: string[] = []
  const nodes: NodesPort = {
    self: 'a',
    counts: { groups: 0, retries: 0, unknown: 0 },
    takeover: {
      testify: async () => undefined,
      settle: async () => false,
      goOn: async () => false,
      end: () => {},
    },
    register: async () => {
      done.push('register')
    },
    beat: async () => undefined,
    readInstances: async () => undefined,
    mark: async () => false,
    read: async () => undefined,
    claimUpkeep: async () => 'other',
    forgetDead: async () => {},
    leave: async () => {
      done.push('leave')
    },
  }
  const close = async (): Promise<void> => {
    done.push('close')
  }
  const config = { nodeBound: 1_000, acknowledge: 'everywhere' } as const
  await assert.rejects(joinNodes({ nodes, close }, config, new HandTime()), StoreRefused)
  assert.deepEqual(done, ['register', 'leave', 'close'])
})
