import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QUESTIONS_PER_TURN, Turns } from './turns.ts'

test('questions wait for a later turn, a few in each, in order: proofs of freshness go first', async () => {
  const turns = new Turns()
  const done: number[] = []
  const asked = Array.from({ length: QUESTIONS_PER_TURN * 2 + 1 }, (_, nth) =>
    turns.turn().then(() => done.push(nth)),
  )
  await Promise.resolve()
  assert.equal(done.length, 0, 'none in the turn in which it came')
  const seen: number[] = []
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve))
    seen.push(done.length)
  }
  assert.deepEqual(seen, [QUESTIONS_PER_TURN, QUESTIONS_PER_TURN * 2, QUESTIONS_PER_TURN * 2 + 1])
  await Promise.all(asked)
  assert.deepEqual(
    done,
    done.toSorted((left, right) => left - right),
  )
})
