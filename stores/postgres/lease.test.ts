import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { realmOrdinal } from '@rescind/core'
import { emptyStore } from '../../test/kit/postgres-nodes.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import { append, commit, REALM, writeIn } from '../contract/samples.ts'
import { Connection } from './connection.ts'
import { KnownHeads } from './known-heads.ts'
import { PostgresLease } from './lease.ts'
import { Reads } from './reads.ts'
import { ServerPlace } from './server-place.ts'
import { openPostgres } from './store.ts'

const BOUND_MS = 1_000
const OTHER = realmOrdinal(7)

let server: PostgresServer
let admin: Connection
let place: string
let reads: Reads
before(async () => {
  server = await startPostgres()
  place = await emptyStore(server.address)
  admin = await Connection.open(server.address)
  reads = new Reads(server.address, new ServerPlace(place))
})
after(async () => {
  admin.drop()
  await reads.close()
  await server.stop()
})

type Opened = {
  readonly lease: PostgresLease
  readonly ended: string[]
  readonly forked: number[]
  readonly failures: string[]
}

async function opened(node: string, at = new ServerPlace(place)): Promise<Opened> {
  const [ended, forked, failures]: [string[], number[], string[]] = [[], [], []]
  const lease = new PostgresLease({
    requireSync: false,
    counts: { groups: 0, retries: 0, unknown: 0 },
    ...{ address: server.address, nodeId: idOf(node), place: at, reads },
    ...{ known: new KnownHeads(), fence: () => 1 },
    fenced: (why) => ended.push(why),
    onMarked: () => {},
    failed: (why) => failures.push(why),
  })
  await lease.register(BOUND_MS, {
    forked: (realms) => forked.push(...realms),
    ...{ marked: () => {}, takenOver: () => {}, reconnected: () => {} },
  })
  return { lease, ended, forked, failures }
}

const idOf = (node: string): string => node.repeat(32)

async function counterOf(node: string): Promise<number | undefined> {
  const [row] = await admin.rows<[number]>('SELECT counter FROM rescind.lease WHERE node = $1', [idOf(node)])
  return row?.[0]
}

async function append1(realm = REALM): Promise<void> {
  const store = await openPostgres(server.address, { floorMs: 1_000 })
  await commit(store, writeIn(realm, append()))
  await store.close()
}

test('a heartbeat brings the heads that moved since the last one, and the time', async () => {
  const { lease } = await opened('a')
  // No log has been read yet, so no head is news.
  assert.equal((await lease.beat())?.heads.size, 0)
  await append1()
  const first = await lease.beat()
  assert.ok(first !== undefined)
  assert.equal(first.heads.get(REALM)?.chain.length, 32)
  assert.ok(Math.abs(first.nowMs - Date.now()) < 60_000)
  const seq = first.heads.get(REALM)?.seq as number
  await append1()
  assert.equal((await lease.beat())?.heads.get(REALM)?.seq, seq + 1)
  // A transaction that was under way then may still be looked at once more.
  await lease.beat()
  assert.equal((await lease.beat())?.heads.size, 0)
  lease.close()
})

test('the counter of a heartbeat is seen by others before its heads are read', {
  timeout: 20_000,
}, async () => {
  const { lease } = await opened('b')
  await admin.run('BEGIN; LOCK TABLE rescind.log_anchor, rescind.head IN ACCESS EXCLUSIVE MODE')
  const beat = lease.beat()
  const other = await Connection.open(server.address)
  const counter = async (): Promise<number | undefined> => {
    const [row] = await other.rows<[number]>('SELECT counter FROM rescind.lease WHERE node = $1', [idOf('b')])
    return row?.[0]
  }
  while ((await counter()) !== 1) continue
  await admin.run('COMMIT')
  assert.ok((await beat) !== undefined)
  other.drop()
  lease.close()
})

test('a node whose row went back to an earlier counter has to end: its store was rolled back', async () => {
  const { lease, ended } = await opened('c')
  await lease.beat()
  await lease.beat()
  await admin.rows('UPDATE rescind.lease SET counter = 1 WHERE node = $1', [idOf('c')])
  assert.equal(await lease.beat(), undefined)
  assert.equal(ended.length, 1)
  lease.close()
})

test('a heartbeat that comes after a later one changes nothing', async () => {
  const { lease } = await opened('d')
  await lease.beat()
  await lease.beat()
  const late = 'CALL rescind.heartbeat_1($1, 0, 1, $2, $3, NULL, NULL, NULL, NULL, NULL)'
  await assert.rejects(admin.rows(late, [idOf('d'), place, '0']), { code: 'RS002' })
  assert.equal(await counterOf('d'), 2)
  assert.ok((await lease.beat()) !== undefined)
  lease.close()
})

test('a heartbeat that was committed with a notice does not count', async () => {
  // Changed after the start, which refuses it.
  await admin.run("ALTER ROLE CURRENT_USER SET client_min_messages = 'error'")
  const { lease } = await opened('1')
  await admin.run('ALTER ROLE CURRENT_USER RESET client_min_messages')
  // As `canceling wait for synchronous replication` comes: with the commit, and success after it.
  await admin.run(`CREATE FUNCTION rescind.warn() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE WARNING 'canceling wait for synchronous replication'; RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER warn AFTER UPDATE ON rescind.lease DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION rescind.warn()`)
  assert.equal(await lease.beat(), undefined)
  assert.equal(await counterOf('1'), 1, 'it was committed here')
  await admin.run('DROP FUNCTION rescind.warn() CASCADE')
  assert.notEqual(await lease.beat(), undefined)
  lease.close()
})

test('a heartbeat for another server counts nothing', async () => {
  const { lease } = await opened('e')
  const other = 'CALL rescind.heartbeat_1($1, 0, 1, $2, $3, NULL, NULL, NULL, NULL, NULL)'
  await assert.rejects(admin.rows(other, [idOf('e'), '1/00000001', '0']), { code: 'RS004' })
  assert.equal(await counterOf('e'), 0)
  lease.close()
})

test('a heartbeat waits for a move of the store no longer than for any other lock', async () => {
  const { lease } = await opened('4')
  const mover = await Connection.open(server.address)
  await mover.run('BEGIN; SELECT pg_advisory_xact_lock(1381188420, -2)')
  const call = 'CALL rescind.heartbeat_1($1, 0, 1, $2, $3, NULL, NULL, NULL, NULL, NULL)'
  await assert.rejects(admin.rows(call, [idOf('4'), place, '0']), { code: '55P03' })
  await mover.run('COMMIT')
  mover.drop()
  await lease.leave()
})

test('a reading shows the marks and heads of the realms that were asked about', async () => {
  const { lease, forked } = await opened('f')
  await lease.beat()
  await append1()
  const head = (await lease.beat())?.heads.get(REALM)
  assert.ok(head !== undefined)
  assert.equal(await lease.mark(new Map([[OTHER, { seq: 0, chain: undefined }]]), true), true)
  assert.equal(await lease.mark(new Map([[REALM, head]]), false), true)
  const { rows, heads } = (await lease.read([REALM])) ?? { rows: [], heads: new Map() }
  const own = rows.find(({ node }) => node === idOf('f'))
  assert.deepEqual([...(own?.marks ?? [])], [[REALM, head.seq]])
  assert.deepEqual([own?.boundMs, heads.get(REALM)], [BOUND_MS, head.seq])
  assert.deepEqual(forked, [])
  lease.close()
})

test('a mark with another chain than the log is not written: the realm is forked', async () => {
  const { lease, forked } = await opened('9')
  await lease.beat()
  await append1()
  const head = (await lease.beat())?.heads.get(REALM)
  assert.ok(head !== undefined)
  await lease.mark(new Map([[REALM, { seq: head.seq, chain: Buffer.alloc(32, 1) }]]), false)
  assert.deepEqual(forked, [REALM])
  const rows = (await lease.read([REALM]))?.rows ?? []
  assert.equal(rows.find(({ node }) => node === idOf('9'))?.marks.size, 0)
  lease.close()
})

test('a node that leaves is waited for no longer, and is not told to end', async () => {
  const { lease, ended } = await opened('0')
  await lease.mark(new Map([[REALM, { seq: 0, chain: undefined }]]), true)
  await lease.leave()
  assert.equal(await counterOf('0'), undefined)
  const marks = await admin.rows('SELECT 1 FROM rescind.fold_mark WHERE node = $1', [idOf('0')])
  assert.deepEqual([marks.length, ended], [0, []])
})

test('a node that leaves while another server takes over takes nothing away there', async () => {
  const [system, timeline] = place.split('/')
  for (const isHeard of [false, true]) {
    // Whether it has heard of the other server or not.
    const at = new ServerPlace(place)
    const { lease } = await opened(isHeard ? '5' : '6', at)
    assert.ok((await lease.beat()) !== undefined)
    at.goOn(`${system}/0000000${isHeard ? 0 : 9}`)
    if (isHeard) at.found(`${system}/${timeline}`)
    assert.equal(at.now === undefined, isHeard)
    await lease.leave()
    assert.equal(await counterOf(isHeard ? '5' : '6'), 1)
  }
  await admin.run('DELETE FROM rescind.lease')
})

test('the node of a store that was moved has to end, and its heartbeat counts nothing', async () => {
  const { lease, ended } = await opened('8')
  assert.ok((await lease.beat()) !== undefined)
  await admin.run("UPDATE rescind.store SET moved_to = 'sqlite:x'")
  assert.equal(await lease.beat(), undefined)
  assert.deepEqual(ended, ['this store was moved to sqlite:x'])
  await admin.run('UPDATE rescind.store SET moved_to = NULL')
  lease.close()
})

test('a mark that is delivered late does not undo a later one', async () => {
  const { lease } = await opened('3')
  const seqOf = async (): Promise<number | undefined> => {
    const sql = 'SELECT seq FROM rescind.fold_mark WHERE node = $1 AND realm = $2'
    return (await admin.rows<[number]>(sql, [idOf('3'), OTHER]))[0]?.[0]
  }
  await lease.mark(new Map([[OTHER, { seq: 5, chain: undefined }]]), false)
  await lease.mark(new Map([[OTHER, { seq: 0, chain: undefined }]]), true)
  const late = 'SELECT rescind.mark_1($1, $2, 1, $3, false)'
  await admin.rows(late, [idOf('3'), place, JSON.stringify([{ r: OTHER, seq: 9, chain: null }])])
  assert.equal(await seqOf(), 0)
  await lease.leave()
})

test('a mark of a row that was trimmed meanwhile says nothing, and proves no fork', async () => {
  const { lease, forked } = await opened('2')
  await admin.rows(
    "INSERT INTO rescind.log_anchor (realm, seq, chain) VALUES ($1, 50, '\\x00'::bytea) ON CONFLICT (realm) DO UPDATE SET seq = 50",
    [OTHER],
  )
  await lease.mark(new Map([[OTHER, { seq: 0, chain: undefined }]]), true)
  await lease.mark(new Map([[OTHER, { seq: 40, chain: Buffer.alloc(32, 4) }]]), false)
  assert.deepEqual(
    [...((await lease.read([OTHER]))?.rows ?? [])].find(({ node }) => node === idOf('2'))?.marks.get(OTHER),
    0,
  )
  assert.deepEqual(forked, [])
  await lease.leave()
})

test('why heartbeats fail is told once', async () => {
  const { lease, failures } = await opened('9')
  await admin.run('ALTER TABLE rescind.lease RENAME TO gone')
  for (let nth = 0; nth < 3; nth += 1) assert.equal(await lease.beat(), undefined)
  await admin.run('ALTER TABLE rescind.gone RENAME TO lease')
  assert.deepEqual(failures, ['heartbeats: relation "rescind.lease" does not exist'])
  assert.equal(lease.failure, 'relation "rescind.lease" does not exist')
  assert.ok((await lease.beat()) !== undefined)
  assert.equal(lease.failure, undefined)
  lease.close()
})
