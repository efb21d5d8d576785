import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { StoreUnavailable } from '@rescind/core'
import { CuttingProxy, type Fate } from '../../test/kit/cutting-proxy.ts'
import { appended, dependent, EMPTY_LOG, emptyStore, judgedAt, REALM } from '../../test/kit/postgres-nodes.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import { Connection } from './connection.ts'
import { decodeReply, encodeGroup, type GroupJson } from './group-json.ts'
import { ServerPlace } from './server-place.ts'
import { GroupWriter } from './writer.ts'

let server: PostgresServer
let proxy: CuttingProxy
let place = ''
let direct: Connection
before(async () => {
  server = await startPostgres()
  proxy = await CuttingProxy.open(server.address.host, server.address.port)
})
after(async () => {
  direct.drop()
  await proxy.close()
  await server.stop()
})
beforeEach(async () => {
  proxy.fate = () => ({ kind: 'pass' })
  direct?.drop()
  place = await emptyStore(server.address)
  direct = await Connection.open(server.address)
})

let nodes = 0

async function writerThrough(
  port: number,
): Promise<{ writer: GroupWriter; nodeId: string; fenced: string[] }> {
  nodes += 1
  const nodeId = `00000000-0000-4000-9000-${String(nodes).padStart(12, '0')}`
  const fenced: string[] = []
  const address = { ...server.address, port }
  const writer = new GroupWriter({
    ...{ address, nodeId, place: new ServerPlace(place), requireSync: false },
    fenced: (why) => fenced.push(why),
  })
  await writer.open()
  return { writer, nodeId, fenced }
}

/** One row whose audit names the group. */
function group(name: string): GroupJson {
  return encodeGroup(judgedAt(EMPTY_LOG, dependent([], appended({ kind: 'release', id: 'h' }, name))))
}

async function audits(): Promise<readonly string[]> {
  const rows = await direct.rows<readonly [Buffer]>('SELECT audit FROM rescind.log ORDER BY seq')
  return rows.map(([audit]) => audit.toString())
}

/** How many bytes go each way when a group is written without a fault. */
async function bytesOfAGroup(): Promise<{
  readonly client: number
  readonly server: number
  readonly before: number
}> {
  const { writer } = await writerThrough(proxy.port)
  const pair = proxy.pairs.at(-1)
  assert.ok(pair !== undefined)
  const [client, from] = [pair.client, pair.server]
  await writer.write(group('measure'), 0)
  writer.close()
  return { client: pair.client - client, server: pair.server - from, before: client }
}

test('[model 4.4] a connection that is cut after any byte of a group leaves it written once, and the writer knows it', async () => {
  const sizes = await bytesOfAGroup()
  let recovered = 0
  for (const from of ['client', 'server'] as const) {
    const step = Math.max(1, Math.floor(sizes[from] / 24))
    for (let cutAt = 0; cutAt < sizes[from] + step; cutAt += step) {
      const { writer } = await writerThrough(proxy.port)
      const pair = proxy.pairs.at(-1)
      assert.ok(pair !== undefined)
      pair.cutAfter(from, Math.min(cutAt, sizes[from] - 1))
      const before = (await audits()).length
      const { reply } = await writer.write(group(`${from} ${cutAt}`), 0)
      assert.deepEqual(reply.codes, [before + 1])
      assert.deepEqual((await audits()).slice(before), [`${from} ${cutAt}`])
      recovered += 1
      writer.close()
    }
  }
  assert.ok(recovered >= 48)
})

test('a request that arrives after its retry is refused, and writes nothing', async () => {
  const { writer } = await writerThrough(proxy.port)
  const pair = proxy.pairs.at(-1)
  assert.ok(pair !== undefined)
  pair.holdBack()
  const written = writer.write(group('once'), 0)
  await until(() => pair.heldBytes > 200)
  pair.loseClient()
  assert.deepEqual((await written).reply.codes, [1])
  pair.release()
  await until(() => pair.server > 0 && pair.isOver)
  assert.deepEqual(await audits(), ['once'])
  assert.deepEqual((await writer.write(group('next'), 0)).reply.codes, [2])
  assert.deepEqual(await audits(), ['once', 'next'])
  writer.close()
})

test('a writer that cannot find out says so, writes nothing else, and goes on when it can', async () => {
  const { writer } = await writerThrough(proxy.port)
  const pair = proxy.pairs.at(-1)
  assert.ok(pair !== undefined)
  const refuse: Fate = { kind: 'cut', from: 'client', afterBytes: 0 }
  proxy.fate = () => refuse
  pair.cutAfter('server', 0)
  await assert.rejects(writer.write(group('lost answer'), 0), StoreUnavailable)
  await assert.rejects(writer.write(group('not yet'), 0), StoreUnavailable)
  assert.deepEqual(await audits(), ['lost answer'])
  proxy.fate = () => ({ kind: 'pass' })
  await writer.recover()
  assert.deepEqual((await writer.write(group('now'), 0)).reply.codes, [2])
  assert.deepEqual(await audits(), ['lost answer', 'now'])
  writer.close()
})

test('a fence that another raised, or a row that is gone, ends the node', async () => {
  for (const spoil of [
    'UPDATE rescind.node SET fence = 9 WHERE id = $1',
    'DELETE FROM rescind.node WHERE id = $1',
  ]) {
    const { writer, nodeId, fenced } = await writerThrough(server.address.port)
    await direct.rows(spoil, [nodeId])
    await assert.rejects(writer.write(group('x'), 0), StoreUnavailable)
    assert.equal(fenced.length, 1)
    await assert.rejects(writer.recover(), StoreUnavailable)
    writer.close()
  }
  const { writer, nodeId, fenced } = await writerThrough(proxy.port)
  await direct.rows('DELETE FROM rescind.node WHERE id = $1', [nodeId])
  proxy.pairs.at(-1)?.cut()
  await assert.rejects(writer.write(group('y'), 0), StoreUnavailable)
  assert.equal(fenced.length, 1)
  assert.deepEqual(await audits(), [])
})

test('a notice that comes with a commit leaves its outcome unknown, and the fence row tells it', async () => {
  // Changed after the start, which refuses it.
  await direct.run("ALTER ROLE CURRENT_USER SET client_min_messages = 'error'")
  const { writer, nodeId } = await writerThrough(server.address.port)
  await direct.run('ALTER ROLE CURRENT_USER RESET client_min_messages')
  await direct.run(`CREATE FUNCTION rescind.warn() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE WARNING 'canceling wait for synchronous replication'; RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER warn AFTER INSERT ON rescind.log DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION rescind.warn()`)
  const warned = judgedAt(EMPTY_LOG, dependent([], appended({ kind: 'release', id: 'h' }, 'warned')))
  const { reply, missed } = await writer.write(encodeGroup(warned), 0)
  assert.deepEqual(reply.codes, [1])
  // What others wrote before is not known, so nothing is acknowledged before the log is read again.
  assert.deepEqual(decodeReply(warned, reply, missed).missed, new Map([[REALM, []]]))
  const [row] = await direct.rows<[number]>('SELECT fence FROM rescind.node WHERE id = $1', [nodeId])
  assert.equal(row?.[0], 2, 'it was looked up')
  assert.deepEqual(await audits(), ['warned'])
  await direct.run('DROP FUNCTION rescind.warn() CASCADE')
  writer.close()
})

test('a lock that is held for a moment is waited for; one that is held for long makes an outage, known as not written', async () => {
  const { writer, nodeId } = await writerThrough(server.address.port)
  await direct.run('BEGIN; SELECT pg_advisory_xact_lock(1381188420, 1)')
  const waiting = writer.write(group('waited'), 0)
  await direct.rows('SELECT pg_sleep(0.3)')
  await direct.run('COMMIT')
  assert.deepEqual((await waiting).reply.codes, [1])
  await direct.run('BEGIN; SELECT pg_advisory_xact_lock(1381188420, 1)')
  await assert.rejects(writer.write(group('gave up'), 0), StoreUnavailable)
  await direct.run('COMMIT')
  assert.deepEqual((await writer.write(group('again'), 0)).reply.codes, [2])
  const [row] = await direct.rows<[number]>('SELECT fence FROM rescind.node WHERE id = $1', [nodeId])
  assert.equal(row?.[0], 1, 'an error of the server is no unknown outcome')
  assert.deepEqual(await audits(), ['waited', 'again'])
  writer.close()
})

test('a backend that is terminated during a group leaves it written once', async () => {
  const { writer } = await writerThrough(server.address.port)
  for (let round = 0; round < 5; round += 1) {
    await direct.run('BEGIN; SELECT pg_advisory_xact_lock(1381188420, 1)')
    const written = writer.write(group(`round ${round}`), 0)
    let ended = 0
    while (ended === 0) {
      // A transaction goes on seeing the sessions as they were at its first look.
      await direct.rows('SELECT pg_stat_clear_snapshot()')
      const rows = await direct.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%group_1%'",
      )
      ended = rows.length
    }
    await direct.run('COMMIT')
    assert.deepEqual((await written).reply.codes, [round + 1])
  }
  assert.equal((await audits()).length, 5)
  writer.close()
})

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue())
    await new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
}

test('a node that writes to a store that was moved has to end', async () => {
  const { writer, fenced } = await writerThrough(server.address.port)
  await direct.run("UPDATE rescind.store SET moved_to = 'sqlite:x'")
  await assert.rejects(writer.write(group('late'), 0), StoreUnavailable)
  assert.deepEqual(fenced, ['this store was moved to sqlite:x'])
  await direct.run('UPDATE rescind.store SET moved_to = NULL')
  assert.deepEqual(await audits(), [])
  writer.close()
})

test('a writer begins only on the server on which its store was prepared', async () => {
  const before = await direct.rows('SELECT FROM rescind.node')
  const writer = new GroupWriter({
    ...{ address: server.address, nodeId: '00000000-0000-4000-9100-000000000001', requireSync: false },
    ...{ place: new ServerPlace(place.replace(/.$/, '9')), fenced: () => {} },
  })
  await assert.rejects(writer.open(), /another PostgreSQL server answers/)
  assert.equal((await direct.rows('SELECT FROM rescind.node')).length, before.length)
  writer.close()
})
