import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UpkeepTurn } from '@rescind/authority'
import { HandClock } from '../../test/kit/realm.ts'
import { Turn } from './turn.ts'

test('the node that does the upkeep also forgets the processes that ended, and no other node does', async () => {
  const clock = new HandClock()
  const turns: UpkeepTurn[] = ['other', 'taken', 'kept', 'other']
  const said: string[] = []
  const turn = new Turn({
    store: {
      nodes: {
        claimUpkeep: async () => turns.shift() ?? 'other',
        forgetDead: async (nowMs) => {
          assert.equal(nowMs, clock.monotonicMs())
          said.push('forgotten')
        },
      },
    },
    clock,
    setbacks: {
      run: async (_of, work) => {
        await work()
        return true
      },
    },
    taken: () => said.push('taken'),
    lost: () => said.push('lost'),
  })
  for (const isOurs of [false, true, true, false]) {
    await turn.take()
    assert.equal(turn.isOurs, isOurs)
  }
  assert.deepEqual(said, ['lost', 'taken', 'forgotten', 'lost'])
})
