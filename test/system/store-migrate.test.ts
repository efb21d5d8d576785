import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openSqlite } from '@rescind/stores'
import { openVerifier, type Verifier } from '@rescind/verifier'
import { Connection, type PostgresAddress } from '../../stores/postgres/connection.ts'
import { nameOf } from '../../stores/postgres/move-source.ts'
import { accessTokenIn, isActive as isActiveIn } from '../faults/kit/calls.ts'
import { assertRefused, type Ended, runCommand, runHere, startCommand } from '../faults/kit/command.ts'
import { Place } from '../faults/kit/place.ts'
import { fillStore } from '../kit/moves.ts'
import { freePort, type PostgresServer, startPostgres } from '../kit/postgres-server.ts'
import { MASTER, START_MS } from '../kit/realm.ts'
import { until } from '../kit/until.ts'

const KEY = 'orders-api-key-0123456789'
const DEADLINE_MS = 120_000

let server: PostgresServer
let admin: Connection
before(async () => {
  server = await startPostgres()
  admin = await Connection.open(server.address)
})
after(async () => {
  admin.drop()
  await server.stop()
})

async function database(name: string): Promise<PostgresAddress> {
  const address = { ...server.address, database: `${server.address.database}_${name}` }
  await admin.run(`CREATE DATABASE ${address.database}`)
  return address
}

test('a server that moves to PostgreSQL and back is the same one for its verifiers and its clients', {
  timeout: DEADLINE_MS,
}, async (t) => {
  const place = new Place(t)
  const [file, copy] = ['data/rescind.db', 'data/back.db'].map((name) => join(place.home.folder, name))
  const there = nameOf(await database('served'))
  const key = ['--master-key-file', join(place.home.folder, 'data/master.key')]
  const flags = ['--listen', `127.0.0.1:${await freePort()}`]
  const migrate = async (from: string, to: string): Promise<Ended> =>
    runHere({ words: ['store', 'migrate', from, to, ...key], folder: place.home.folder })

  let served = await place.start({ flags })
  const verifier = openVerifier({ url: served.url, key: KEY })
  t.after(() => verifier.close())
  await verifier.ready()
  const [kept, ended] = [
    accessTokenIn(await served.calls.oauthIssue()),
    accessTokenIn(await served.calls.oauthIssue()),
  ]
  await served.calls.oauthRevoke(ended)
  assert.equal((await verifier.verify(kept)).kind, 'active')
  await until(() => verifier.check(ended).kind === 'inactive')
  const first = verifier.stats()

  await served.stop()
  const moved = await migrate(`sqlite:${file}`, there)
  assert.equal(moved.code, 0, moved.stderr)
  assert.match(moved.stdout, /^sqlite:\S+ is postgres:\/\/\S+ now: \d+ rows, digest [0-9a-f]{64}\.$/m)
  served = await place.start({ flags, store: there })
  await followsOn(verifier, first)
  assert.deepEqual([await isActive(kept), await isActive(ended)], [true, false])
  const second = accessTokenIn(await served.calls.oauthIssue())
  assert.equal((await verifier.verify(second)).kind, 'active')
  await served.calls.oauthRevoke(second)
  await until(() => verifier.check(second).kind === 'inactive')
  const later = verifier.stats()

  assertRefused(
    await migrate(there, `sqlite:${copy}`),
    /1 of its nodes still run on .*: stop every node first/,
  )
  await served.stop()
  assert.equal((await migrate(there, `sqlite:${copy}`)).code, 0)
  served = await place.start({ flags, store: `sqlite:${copy}` })
  await followsOn(verifier, later)
  assert.deepEqual([await isActive(kept), await isActive(second)], [true, false])
  for (const store of [`sqlite:${file}`, there])
    assertRefused(
      await runCommand(t, { words: ['serve', '--store', store, ...key], folder: place.home.folder }),
      /this store was moved to \S+: start with that one/,
    )

  async function isActive(token: string): Promise<boolean> {
    return isActiveIn(await served.calls.introspect(token))
  }
})

/** It is live again at the same instance and epoch, and missed no row. */
async function followsOn(verifier: Verifier, before: ReturnType<Verifier['stats']>): Promise<void> {
  await until(() => verifier.stats().state === 'live' && verifier.stats().lag === 'fresh')
  const { epoch, seq = 0, snapshots } = verifier.stats()
  assert.deepEqual([epoch, snapshots], [before.epoch, before.snapshots])
  assert.ok(seq >= (before.seq ?? 0))
}

/** How many tables of the copy are complete when the process is killed. */
const KILLED_AT = [0, 2, 5, 8, 10]

test('a move that is killed goes on when the same command is run again', {
  timeout: DEADLINE_MS,
}, async (t) => {
  const { home } = new Place(t)
  const path = join(home.folder, 'rescind.db')
  const store = await openSqlite(path, START_MS)
  await fillStore(store, 300)
  await store.close()
  writeFileSync(join(home.folder, 'master.key'), `${MASTER.bytes.toString('base64url')}\n`, { mode: 0o600 })
  const address = await database('killed')
  const watch = await Connection.open(address)
  const words = ['store', 'migrate', `sqlite:${path}`, nameOf(address), '--master-key-file', 'master.key']
  for (const at of KILLED_AT) {
    const run = startCommand(t, { words, folder: home.folder })
    let isOver = false
    void run.ended.then(() => {
      isOver = true
    })
    while (!isOver && (await tablesDone(watch)) < at);
    run.process.kill('SIGKILL')
    await run.ended
  }
  watch.drop()
  const { code, stdout, stderr } = await runCommand(t, { words, folder: home.folder })
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^sqlite:\S+ is postgres:\S+ now: /)
  assert.match((await runCommand(t, { words, folder: home.folder })).stdout, /now: was moved before\./)
})

async function tablesDone(watch: Connection): Promise<number> {
  const there = "SELECT FROM pg_tables WHERE schemaname = 'rescind_moving' AND tablename = 'moving'"
  if ((await watch.rows(there)).length === 0) return -1
  const sql = `SELECT count(*) FROM rescind_moving.moving WHERE through = '"done"'`
  const [row] = await watch.rows<readonly [number]>(sql)
  return row?.[0] ?? 0
}
