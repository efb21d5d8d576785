import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runDrill } from '../faults/nodes/drill.ts'
import { loseNothing } from '../faults/nodes/lose-nothing.ts'

test('[model 3.1] what any of three nodes acknowledges, all refuse, through a hundred faults', async (t) => {
  await loseNothing(t, { events: 100, lookedAt: 500 })
})

test('the drill sees that nodes which answer after the commit accept what they have acknowledged', async () => {
  const drill = { seed: 5, events: 10, pauseMs: 500, boundMs: 1_000, lookedAt: 50, only: ['stop', 'stall'] }
  const { violations } = await runDrill({ ...drill, flags: ['--acknowledge', 'durable'] })
  assert.ok(violations.some((one) => one.startsWith('accepted after the acknowledgement')))
})
