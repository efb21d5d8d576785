import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measureExpiry } from '../../bench/postgres/expiry.ts'
import { startPostgres } from '../kit/postgres-server.ts'

test('tokens that expire in PostgreSQL all go, while others are revoked, and their place is used again', {
  timeout: 120_000,
}, async () => {
  const server = await startPostgres()
  const found = await measureExpiry(server.address, {
    ...{ rows: 3_000, rounds: 3, revocationsPerSecond: 500, quietMs: 200, vacuum: true },
  })
  await server.stop()
  assert.equal(found.left, 0)
  assert.ok(found.during.groups > 10, `${found.during.groups} groups of revocations meanwhile`)
  // Pages of indexes are used again a round later than those of the table.
  const [, second = 0, last = 0] = found.sizesMb
  assert.ok(last <= 1.1 * second + 0.1, `${found.sizesMb.join(', ')} MB`)
})
