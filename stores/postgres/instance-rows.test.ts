import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { InstanceRow, InstancesRead } from '@rescind/authority'
import { realmOrdinal } from '@rescind/core'
import { emptyStore } from '../../test/kit/postgres-nodes.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import { Connection } from './connection.ts'
import { KnownHeads } from './known-heads.ts'
import { PostgresLease } from './lease.ts'
import { Reads } from './reads.ts'
import { ServerPlace } from './server-place.ts'

const REALM = realmOrdinal(1)
const DAY_MS = 86_400_000

let server: PostgresServer
let place: string
let reads: Reads
let admin: Connection
before(async () => {
  server = await startPostgres()
  place = await emptyStore(server.address)
  reads = new Reads(server.address, new ServerPlace(place))
  admin = await Connection.open(server.address)
})
after(async () => {
  admin.drop()
  await reads.close()
  await server.stop()
})

async function opened(node: string): Promise<PostgresLease> {
  const lease = new PostgresLease({
    requireSync: false,
    counts: { groups: 0, retries: 0, unknown: 0 },
    ...{ address: server.address, nodeId: node.repeat(32), place: new ServerPlace(place), reads },
    ...{ known: new KnownHeads(), fence: () => 1 },
    fenced: (why) => assert.fail(why),
    failed: (why) => assert.fail(why),
    onMarked: () => {},
  })
  await lease.register(1_000, {
    forked: () => {},
    marked: () => {},
    takenOver: () => {},
    reconnected: () => {},
  })
  return lease
}

function row(id: string, contacts: number, over: Partial<InstanceRow> = {}): InstanceRow {
  return { realm: REALM, id, contacts, applied: 0, seenMs: Date.now(), body: `{"nth":${contacts}}`, ...over }
}

async function reading(lease: PostgresLease, since?: string): Promise<InstancesRead> {
  const read = await lease.readInstances(since)
  assert.ok(read !== undefined)
  return read
}

const shown = ({ rows }: InstancesRead): readonly string[] =>
  rows.map(({ node = 'nobody', id, applied }) => `${node.slice(0, 1)} ${id} ${applied}`).sort()

test('a reading shows what was put since the one before, of every node', async () => {
  const [a, b] = [await opened('a'), await opened('b')]
  const before = await reading(a)
  await a.beat([row('one', 1), row('two', 2, { applied: 7 })])
  await b.beat([row('one', 1, { applied: 9 })])
  const first = await reading(b, before.next)
  assert.deepEqual(shown(first), ['a one 0', 'a two 7', 'b one 9'])
  assert.deepEqual(
    [...first.nodes].sort(),
    ['a', 'b'].map((name) => name.repeat(32)),
  )
  assert.equal(first.rows.find(({ id }) => id === 'two')?.body, '{"nth":2}')
  await a.beat([row('two', 3, { applied: 8 })])
  const second = await reading(b, first.next)
  assert.deepEqual(shown(second), ['a two 8'])
  await b.beat()
  assert.deepEqual(shown(await reading(b, second.next)), [])
  assert.equal((await reading(b)).rows.length, 3)
  assert.equal(
    (await reading(a)).rows.every(({ isRemembered }) => !isRemembered),
    true,
  )
  await admin.run("INSERT INTO rescind.expiring VALUES (1, 'feed-instance', 'two', '', 1)")
  const remembered = (await reading(a)).rows.filter(({ isRemembered }) => isRemembered)
  assert.deepEqual(
    remembered.map(({ id }) => id),
    ['two'],
  )
  await a.beat([row('one', 4, { body: undefined })])
  assert.deepEqual(shown(await reading(b)), ['a two 8', 'b one 9'])
  for (const one of [a, b]) await one.leave()
})

test('what a transaction puts that began before a reading, and ends after it, is in the next one', async () => {
  const a = await opened('c')
  await admin.run('BEGIN')
  await admin.run(
    `INSERT INTO rescind.instance VALUES (1, 'late', '${'c'.repeat(32)}', 1, 0, 0, '{}', pg_current_xact_id())`,
  )
  const before = await reading(a)
  await a.beat([row('quick', 1)])
  const between = await reading(a, before.next)
  await admin.run('COMMIT')
  const after = await reading(a, between.next)
  assert.deepEqual(shown(between), ['c quick 0'])
  assert.ok(shown(after).includes('c late 0'))
  await a.leave()
})

test('what a node knew outlives its row, as another contact, and is forgotten after a day', async () => {
  await admin.run('DELETE FROM rescind.instance')
  const [d, e, f] = [await opened('d'), await opened('e'), await opened('f')]
  await d.beat([row('one', 1, { applied: 5 }), row('long ago', 2, { seenMs: Date.now() - 2 * DAY_MS })])
  await e.beat([row('one', 1, { applied: 3, seenMs: Date.now() + 5, body: '{"later":true}' })])
  const first = await reading(f)
  await d.leave()
  const second = await reading(f, first.next)
  assert.deepEqual(shown(second), ['n one 5'])
  await admin.rows('DELETE FROM rescind.lease WHERE node = $1', ['e'.repeat(32)])
  const third = await reading(f, second.next)
  assert.deepEqual(shown(third), ['n one 5'])
  assert.notEqual(third.rows[0]?.contacts, second.rows[0]?.contacts)
  assert.equal(third.rows[0]?.body, '{"later":true}')
  assert.deepEqual([...third.nodes], ['f'.repeat(32)])
  for (const one of [e, f]) one.close()
})

test('a heartbeat that does not count publishes nothing', async () => {
  const lease = await opened('9')
  await lease.beat()
  const late = `CALL rescind.heartbeat_1($1, 0, 1, $2, '0', $3, NULL, NULL, NULL, NULL)`
  const json = JSON.stringify([{ r: 1, id: 'never', contacts: 1, applied: 0, seen: 0, body: '{}' }])
  await assert.rejects(admin.rows(late, ['9'.repeat(32), place, json]), { code: 'RS002' })
  assert.equal(shown(await reading(lease)).includes('9 never 0'), false)
  await lease.leave()
})

test('a node departs without waiting for what another departure holds', async () => {
  const lease = await opened('d')
  const old = `INSERT INTO rescind.instance (node, realm, id, contacts, applied, seen_at, body, put_by)
    VALUES ('00000000-0000-0000-0000-000000000000', 9, $1, 1, 0, 0, '{}', pg_current_xact_id())`
  for (const id of ['held', 'free']) await admin.rows(old, [id])
  const other = await Connection.open(server.address)
  await other.run("BEGIN; SELECT FROM rescind.instance WHERE realm = 9 AND id = 'held' FOR UPDATE")
  await admin.run("SET lock_timeout = '100ms'; DELETE FROM rescind.lease; RESET lock_timeout")
  const left = 'SELECT id FROM rescind.instance WHERE realm = 9'
  assert.deepEqual(await admin.rows(left), [['held']])
  await other.run('COMMIT')
  other.drop()
  await lease.leave()
})
