import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { makeHome } from '../kit/server.ts'
import { crashLoop } from './crash/loop.ts'

/** Each run draws other moments; `npm run test:crash` runs a thousand of them. */
const CYCLES = 15
const TIMEOUT_MS = 180_000

test(`[G05] [G11] nothing that was acknowledged is lost when the server is killed ${CYCLES} times while it works`, {
  timeout: TIMEOUT_MS,
}, async (t) => {
  const home = makeHome()
  const seed = randomInt(2 ** 31)
  t.diagnostic(`seed ${seed}`)
  const report = await crashLoop({ home, cycles: CYCLES, seed })
  t.diagnostic(JSON.stringify(report))
  assert.deepEqual(report.violations, [])
  assert.equal(report.cycles, CYCLES)
  assert.ok(report.revokes > CYCLES && report.reads > report.revokes, 'the loop has worked and looked')
  home.remove()
})

test('the crash loop notices a store that has lost its last revocations', async () => {
  const home = makeHome()
  const betweenRuns = (path: string): void => {
    const db = new DatabaseSync(path)
    // Delete from the first revocation on, so that the log has no gap.
    db.exec('DELETE FROM log WHERE id >= (SELECT min(id) FROM log WHERE kind = 1)')
    db.close()
  }
  const { revokes, violations } = await crashLoop({ home, cycles: 2, seed: 3, betweenRuns })
  assert.ok(revokes > 0)
  assert.ok(violations.some((text) => text.includes('was told revoked, reads')))
  home.remove()
})
