import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Store } from '@rescind/authority'
import { realmOrdinal } from '@rescind/core'
import { emptyStore } from '../../test/kit/postgres-nodes.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import { append, commit, REALM, write, writeIn } from '../contract/samples.ts'
import { Connection } from './connection.ts'
import { openPostgres } from './store.ts'
import { MOVED, type Moved } from './wakes.ts'

let server: PostgresServer
let admin: Connection
let writing: Store
let reading: Store
before(async () => {
  server = await startPostgres()
  await emptyStore(server.address)
  admin = await Connection.open(server.address)
  writing = await openPostgres(server.address, { floorMs: 1_000 })
  reading = await openPostgres(server.address, { floorMs: 1_000 })
})
after(async () => {
  await writing.close()
  await reading.close()
  admin.drop()
  await server.stop()
})

/** Milliseconds from a commit on one store to the report on the other. */
async function toReport(realm = REALM): Promise<number> {
  const { seq } = await reading.head(realm)
  const told = Promise.withResolvers<number>()
  const stop = reading.watch(realm, seq, async () => told.resolve(performance.now()))
  await reading.chainedRowsAfter(realm, seq, 1)
  const from = performance.now()
  await commit(writing, writeIn(realm, append()))
  const ms = (await told.promise) - from
  stop()
  return ms
}

async function median(times: number): Promise<number> {
  const all: number[] = []
  for (let nth = 0; nth < times; nth += 1) all.push(await toReport())
  return all.toSorted((left, right) => left - right)[Math.floor(times / 2)] ?? 0
}

async function terminate(like: string): Promise<void> {
  await admin.rows(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE $1 AND pid <> pg_backend_pid()',
    [like],
  )
}

test('a row is reported by a notification, long before the heads are looked at again', async () => {
  assert.ok((await median(9)) < 60)
})

test('without anyone who listens, rows are reported all the same, and it is taken up again', async () => {
  await terminate('LISTEN%')
  for (let nth = 0; nth < 3; nth += 1) assert.ok((await toReport()) < 2_000)
})

test('a lost connection to the heads is replaced, and no row is missed meanwhile', async () => {
  await terminate('LISTEN%')
  const { seq } = await reading.head(REALM)
  const seen: number[] = []
  const all = Promise.withResolvers<void>()
  const stop = reading.watch(REALM, seq, async (watched) => {
    if (watched.kind === 'rows') seen.push(...watched.rows.map((row) => row.seq))
    if (seen.length >= 30) all.resolve()
  })
  for (let nth = 0; nth < 30; nth += 1) {
    if (nth % 10 === 5) await terminate('%moved_by%')
    await commit(writing, write(append()))
  }
  await all.promise
  stop()
  assert.deepEqual(
    seen,
    Array.from({ length: 30 }, (_, nth) => seq + 1 + nth),
  )
})

test('a head is sent when it moved, and 8,000 that did not move are not', async () => {
  await admin.run(`INSERT INTO rescind.head (realm, ordinal, seq, chain, at, groups, tokens, forked, moved_by)
    SELECT r, 0, 0, decode(repeat('00', 32), 'hex'), 0, 0, 0, false, pg_current_xact_id() FROM generate_series(100, 8099) r`)
  const [first] = await moved('0')
  const since = first?.[0] ?? '0'
  assert.deepEqual(realmsIn(await moved(since)), [])
  await commit(writing, writeIn(realmOrdinal(4_000), append()))
  assert.deepEqual(realmsIn(await moved(since)), [4_000])
  assert.ok((await toReport(realmOrdinal(4_001))) < 2_000)
})

test('a head that is moved by a transaction is sent when that commits, however late', async () => {
  const late = await Connection.open(server.address)
  await late.run('BEGIN; UPDATE rescind.head SET moved_by = pg_current_xact_id() WHERE realm = 5000')
  let since = '0'
  for (let look = 0; look < 3; look += 1) {
    await commit(writing, writeIn(realmOrdinal(5_001), append()))
    since = (await moved(since))[0]?.[0] ?? '0'
  }
  await late.run('COMMIT')
  assert.ok(realmsIn(await moved(since)).includes(5_000))
  late.drop()
})

function moved(since: string): Promise<readonly Moved[]> {
  return admin.rows<Moved>(MOVED, [since])
}

function realmsIn(rows: readonly Moved[]): readonly number[] {
  return rows.flatMap(([, , realm]) => (realm === null ? [] : [realm]))
}
