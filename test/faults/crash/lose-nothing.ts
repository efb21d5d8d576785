import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import type { TestContext } from 'node:test'
import { makeHome } from '../../kit/server.ts'
import { crashLoop } from './loop.ts'

/** Longer than a cycle takes on a busy machine. */
export const CYCLE_TIMEOUT_MS = 90_000

/** Kills a server so many times while it works; each run draws other moments. */
export async function losesNothing(t: TestContext, cycles: number): Promise<void> {
  const home = makeHome()
  const seed = randomInt(2 ** 31)
  t.diagnostic(`seed ${seed}`)
  const report = await crashLoop({ home, cycles, seed })
  t.diagnostic(JSON.stringify(report))
  assert.deepEqual(report.violations, [])
  assert.equal(report.cycles, cycles)
  assert.ok(report.revokes > cycles && report.reads > report.revokes, 'the loop has worked and looked')
  home.remove()
}
