import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GC_BATCH_MAX } from '@rescind/authority'
import { Pace, SWEEP_STEP_MS } from './pace.ts'

/** A collection whose steps take as long as the test says, and other writers beside it. */
function world(stepMs?: number): {
  readonly pace: Pace
  readonly rests: number[]
  readonly batches: number[]
  readonly run: (steps: number, tookMs: number, others: number) => Promise<void>
} {
  let nowMs = 0
  let writes = 0
  const rests: number[] = []
  const batches: number[] = []
  const pace = new Pace({
    monotonicMs: () => nowMs,
    rest: async (ms) => void rests.push(ms),
    writes: () => writes,
    ...(stepMs === undefined ? {} : { stepMs }),
  })
  return {
    pace,
    rests,
    batches,
    run: async (steps, tookMs, others) => {
      let left = steps
      await pace.run(
        () => left > 0,
        async (limit) => {
          left -= 1
          batches.push(limit)
          nowMs += tookMs
          writes += 1 + others
          return { looked: limit, writes: 1 }
        },
      )
    },
  }
}

test('[W99] a collection that delays no write works without a rest, in steps that grow to their bound', async () => {
  const { run, rests, batches } = world()
  await run(20, 1, 0)
  assert.deepEqual(new Set(rests), new Set([0]))
  assert.equal(batches.at(-1), GC_BATCH_MAX)
  assert.ok(batches.every((batch, at) => at === 0 || batch >= (batches[at - 1] ?? 0)))
})

test('[W99] while others write the collection has a fifth of the time', async () => {
  const { run, rests } = world()
  await run(5, 3, 1)
  assert.deepEqual(rests, [12, 12, 12, 12, 12])
})

test('[W99] slow steps shrink at once, and grow again when they are quick', async () => {
  const { run, pace } = world()
  await run(20, 1, 0)
  await run(4, 30, 0)
  assert.equal(pace.batch, 20)
  await run(3, 1, 0)
  assert.equal(pace.batch, 80)
  await run(5, 3, 0)
  assert.equal(pace.batch, 80)
})

test('a step that delays no write may take longer before it shrinks', async () => {
  const { run, pace } = world(SWEEP_STEP_MS)
  await run(20, 9, 1)
  assert.equal(pace.batch, GC_BATCH_MAX)
  await run(1, 21, 1)
  assert.equal(pace.batch, GC_BATCH_MAX / 2)
})

test('[W99] a step that finds less than it had room for is the last', async () => {
  const pace = new Pace({ monotonicMs: () => 0, rest: async () => assert.fail('no rest'), writes: () => 0 })
  let steps = 0
  await pace.run(
    () => true,
    async () => {
      steps += 1
      return { looked: 3, writes: 1 }
    },
  )
  assert.equal(steps, 1)
})
