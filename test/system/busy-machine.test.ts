import assert from 'node:assert/strict'
import { cpus } from 'node:os'
import { test } from 'node:test'
import { measureBusy } from '../../bench/feed/busy.ts'
import { THIS_TREE } from '../../bench/feed/verifiers.ts'

/**
 * Real time has to pass here, because the test is about a machine that has no time. The long form is in `bench:feed`.
 */
test('no verifier goes stale merely because its machine is busy: 100 in 4 processes, all cores full, for 10 s', async () => {
  const size = { tree: THIS_TREE, processes: 4, each: 25, seconds: 10, others: cpus().length }
  const { stale, checks, answered, revokes } = await measureBusy(size)
  assert.equal(stale, 0, `of ${checks} checks`)
  assert.ok(checks > 10_000 && answered > 0 && revokes > 0)
})
