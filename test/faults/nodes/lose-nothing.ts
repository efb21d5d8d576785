import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import type { TestContext } from 'node:test'
import { type Drill, runDrill } from './drill.ts'

const BOUND_MS = 1_000
const PAUSE_MS = 500

/** Faults strike three nodes under load; each run draws other ones. */
export async function loseNothing(t: TestContext, size: Pick<Drill, 'events' | 'lookedAt'>): Promise<void> {
  const seed = randomInt(2 ** 31)
  t.diagnostic(`seed ${seed}`)
  const report = await runDrill({
    ...{ seed, ...size, boundMs: BOUND_MS, pauseMs: PAUSE_MS, flags: [] },
    onStrike: (name, what) => t.diagnostic(`${name}: ${what}`),
  })
  t.diagnostic(JSON.stringify(report))
  assert.deepEqual(report.violations, [])
  assert.ok((report.counts['look over'] ?? 0) > size.events, 'the clients have asked and looked')
}
