import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { makeHome } from '../kit/server.ts'
import { crashLoop } from './crash/loop.ts'
import { CYCLE_TIMEOUT_MS, losesNothing } from './crash/lose-nothing.ts'

/** `npm run test:system` has more cycles. */
const CYCLES = 5

test(
  `[G05] [G11] nothing that was acknowledged is lost when the server is killed ${CYCLES} times while it works`,
  {
    timeout: CYCLES * CYCLE_TIMEOUT_MS,
  },
  (t) => losesNothing(t, CYCLES),
)

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
