import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { watchTurns } from './turns.ts'

test('a long turn is reported by how late it made the next look', (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.after(() => mock.timers.reset())
  const late: number[] = []
  let nowMs = 0
  const end = watchTurns(
    (ms) => late.push(ms),
    () => nowMs,
  )
  for (const tookMs of [10, 35, 10, 9]) {
    nowMs += tookMs
    mock.timers.tick(10)
  }
  assert.deepEqual(late, [0, 25, 0, 0])
  end()
  mock.timers.tick(100)
  assert.equal(late.length, 4)
})
