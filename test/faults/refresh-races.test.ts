import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runRaces } from './races/refresh.ts'

test('[E05] 50 rounds of 32 parallel refreshes, with answers lost: one lineage, no lost session, and reuse ends the grant', async () => {
  const report = await runRaces({ rounds: 50, parallel: 32, seed: 20_260_301 })
  assert.equal(report.requests, 1_600)
  // The events that the rounds are meant to provoke have happened.
  assert.ok(report.dropped > 500 && report.retried > 0 && report.reuses > 5, JSON.stringify(report))
})

test('100 parallel refreshes of one token leave one live lineage', async () => {
  const report = await runRaces({ rounds: 2, parallel: 100, seed: 7 })
  assert.equal(report.requests, 200)
})
