import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { runScenario, type Scenario, type Shown } from '../kit/nodes/history.ts'
import type { Trip } from '../kit/nodes/shared-store.ts'

const BOUND_MS = 1_000
const RUNS = 400
const SEED = 20_261_130

const someMs = (max: number): fc.Arbitrary<number> =>
  fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 5 }) }, fc.integer({ min: 0, max }))

const trip: fc.Arbitrary<Trip> = fc.record({
  thereMs: someMs(3_000),
  gapMs: someMs(1_400),
  backMs: someMs(1_400),
  lost: fc.oneof(
    { weight: 12, arbitrary: fc.constant(undefined) },
    fc.constantFrom('request' as const, 'answer' as const),
  ),
})

const node = fc.record({
  startMs: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 6_000 })),
  rate: fc.constantFrom(0.99, 1, 1.01),
  pauses: fc.array(
    fc.record({ fromMs: fc.integer({ min: 300, max: 9_000 }), ms: fc.integer({ min: 1, max: 4_000 }) }),
    { maxLength: 2 },
  ),
  foldsMs: fc.array(someMs(1_500), { minLength: 1, maxLength: 8 }),
  beats: fc.array(trip, { minLength: 1, maxLength: 12 }),
  calls: fc.array(trip, { minLength: 1, maxLength: 12 }),
})

const scenario: fc.Arbitrary<Scenario> = fc.record({
  boundMs: fc.constant(BOUND_MS),
  nodes: fc.array(node, { minLength: 2, maxLength: 4 }),
  acts: fc.array(
    fc.record({
      atMs: fc.integer({ min: 200, max: 9_000 }),
      node: fc.nat(3),
      kind: fc.constantFrom('revoke', 'revoke', 'revoke-again', 'judge'),
      afterMs: fc.integer({ min: 0, max: 1_200 }),
    }),
    { minLength: 3, maxLength: 16 },
  ),
})

test('what any node has acknowledged, every node refuses, whatever is paused, late or lost', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (drawn) => {
      assert.deepEqual((await runScenario(drawn)).accepted, [])
    }),
    // A smaller example takes minutes to find.
    { numRuns: RUNS, seed: SEED, endOnFailure: true },
  )
})

const AT_ONCE: Trip = { thereMs: 1, gapMs: 0, backMs: 1, lost: undefined }
const QUIET = { startMs: 0, rate: 1, pauses: [], foldsMs: [1], beats: [AT_ONCE], calls: [AT_ONCE] }

function among(nodes: Scenario['nodes'], more: Partial<Scenario> = {}): Promise<Shown> {
  const acts = Array.from({ length: 20 }, (_, nth) => {
    return { atMs: 500 + nth * 130, node: nth % 2, kind: 'revoke' as const, afterMs: 100 }
  })
  return runScenario({ boundMs: BOUND_MS, nodes, acts, ...more })
}

test('three quiet nodes acknowledge in a few milliseconds, and no request waits', async () => {
  const { accepted, acknowledgedInMs, answeredInMs, refused } = await among([QUIET, QUIET, QUIET])
  assert.deepEqual([accepted, refused], [[], 0])
  assert.equal(acknowledgedInMs.length, 20)
  assert.ok(Math.max(...acknowledgedInMs) <= 20, `${Math.max(...acknowledgedInMs)} ms`)
  assert.equal(Math.max(...answeredInMs), 0)
})

test('a stopped node delays an acknowledgement by its lease at most, and later ones not at all', async () => {
  const stopped = { ...QUIET, pauses: [{ fromMs: 450, ms: 60_000 }] }
  const { accepted, acknowledgedInMs } = await among([QUIET, QUIET, stopped])
  assert.deepEqual(accepted, [])
  assert.equal(acknowledgedInMs.length, 20)
  assert.ok(Math.max(...acknowledgedInMs) <= 1_100, `${Math.max(...acknowledgedInMs)} ms`)
  assert.ok((acknowledgedInMs.at(-1) as number) <= 20, `${acknowledgedInMs.at(-1)} ms`)
})

test('a slow store makes slow answers, also when a heartbeat takes longer than the bound', async () => {
  const slow = { ...QUIET, beats: [{ ...AT_ONCE, thereMs: 350, backMs: 350 }] }
  const { accepted, answeredInMs, refused } = await among([QUIET, slow], { boundMs: 500 })
  assert.deepEqual([accepted, refused], [[], 0])
  assert.ok(Math.max(...answeredInMs) > 700, `${Math.max(...answeredInMs)} ms`)
})

test('a node that cannot reach the store answers nothing', async () => {
  const cutOff = { ...QUIET, beats: [{ ...AT_ONCE, lost: 'answer' as const }] }
  const { answeredInMs, refused } = await among([QUIET, cutOff], {
    acts: [{ atMs: 9_000, node: 1, kind: 'judge', afterMs: 0 }],
  })
  assert.deepEqual([answeredInMs.length, refused], [0, 1])
})

/** One heartbeat of the second node is held up at the store, between its two steps. */
function heldUp(readsHeadsFirst: boolean): Promise<Shown> {
  const first = { ...QUIET, beats: [{ ...AT_ONCE, thereMs: 3 }] }
  const beats = Array.from({ length: 40 }, (_, nth) => (nth === 10 ? { ...AT_ONCE, gapMs: 950 } : AT_ONCE))
  const second = { ...QUIET, foldsMs: [2_000], beats }
  const acts = [{ atMs: 3_100, node: 0, kind: 'revoke' as const, afterMs: 50 }]
  return among([first, second], { acts, readsHeadsFirst })
}

test('a heartbeat reads the heads only after its counter is committed, else it would outlive its lease', async () => {
  const { accepted, acknowledgedInMs } = await heldUp(false)
  assert.deepEqual([accepted, acknowledgedInMs.length], [[], 1])
  assert.notDeepEqual((await heldUp(true)).accepted, [])
})

const revokedAt = (atMs: number, node: number) => ({ atMs, node, kind: 'revoke' as const, afterMs: 50 })
const foundRevokedAt = (atMs: number, node: number) => ({
  ...revokedAt(atMs, node),
  kind: 'revoke-again' as const,
})
const LAGGING = { ...QUIET, foldsMs: [2_000] }

test('a node that joined while the lease rows were being read is waited for by those who came later', async () => {
  // The sixth call of the first node is the reading for its first row.
  const calls = Array.from({ length: 40 }, (_, nth) => (nth === 6 ? { ...AT_ONCE, backMs: 300 } : AT_ONCE))
  const joining = { ...LAGGING, startMs: 520 }
  const acts = [revokedAt(500, 0), revokedAt(550, 0)]
  const { accepted, acknowledgedInMs } = await among([{ ...QUIET, calls }, joining], { acts })
  assert.deepEqual([accepted, acknowledgedInMs.length], [[], 2])
})

test('what another node is still waiting for is not acknowledged earlier to those who find it revoked', async () => {
  const acts = [revokedAt(1_000, 1), foundRevokedAt(1_010, 0)]
  const behind = { ...QUIET, foldsMs: [500] }
  const { accepted, acknowledgedInMs } = await among([behind, QUIET, LAGGING], { acts })
  assert.deepEqual([accepted, acknowledgedInMs.length], [[], 2])
})

test('a node that finds a token revoked in the store folds that before it says so', async () => {
  const acts = [revokedAt(1_000, 1), foundRevokedAt(1_010, 0)]
  const { accepted, acknowledgedInMs } = await among([LAGGING, QUIET], { acts })
  assert.deepEqual([accepted, acknowledgedInMs.length], [[], 2])
})

test('a lease outlasts a heartbeat of a slow clock, measured by a fast one', async () => {
  const beats = Array.from(
    { length: 40 },
    (_, nth): Trip => (nth === 1 ? AT_ONCE : { ...AT_ONCE, lost: 'request' }),
  )
  const slow = { ...QUIET, rate: 0.99, foldsMs: [60_000], beats }
  const { accepted, acknowledgedInMs } = await among([{ ...QUIET, rate: 1.01 }, slow], {
    boundMs: 10_000,
    acts: [revokedAt(20, 0)],
  })
  assert.deepEqual([accepted, acknowledgedInMs.length], [[], 1])
})

test('a node that was seen to have lapsed may be back since', async () => {
  const back = { ...LAGGING, pauses: [{ fromMs: 200, ms: 1_500 }] }
  const acts = [foundRevokedAt(1_600, 0), revokedAt(1_705, 0)]
  const { accepted, acknowledgedInMs } = await among([QUIET, back], { acts })
  assert.deepEqual([accepted, acknowledgedInMs.length], [[], 2])
})

test('a heartbeat counts once its heads are folded', async () => {
  const { accepted, acknowledgedInMs } = await among([QUIET, LAGGING], { acts: [revokedAt(1_020, 0)] })
  assert.deepEqual([accepted, acknowledgedInMs.length], [[], 1])
})
