import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runDrill } from '../faults/nodes/drill.ts'
import { loseNothing } from '../faults/nodes/lose-nothing.ts'

test('[model 3.1] what any of three nodes acknowledges, all refuse, through a hundred faults', async (t) => {
  await loseNothing(t, { events: 100, lookedAt: 500 })
})

test('the drill sees that nodes which answer after the commit accept what they have acknowledged', async () => {
  const size = { events: 200, lookedAt: 0, violationsMax: 1 }
  const drill = { seed: 5, ...size, pauseMs: 500, boundMs: 1_000, only: ['stop', 'stall', 'cut LISTEN'] }
  const { violations } = await runDrill({ ...drill, flags: ['--acknowledge', 'durable'] })
  assert.match(violations[0] ?? '', /^accepted after the acknowledgement/)
})
