import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { emptyStore, HandNode } from '../../test/kit/postgres-nodes.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import { append, groupOf, write } from '../contract/samples.ts'
import { Connection } from './connection.ts'
import { DeadNodes } from './dead-nodes.ts'
import { Reads } from './reads.ts'
import { ServerPlace } from './server-place.ts'

const TEN_MINUTES_MS = 600_000
const SELF = '00000000-0000-4000-8000-000000000001'

let server: PostgresServer
let admin: Connection
let reads: Reads
let place: string
let dead: DeadNodes
before(async () => {
  server = await startPostgres()
  place = await emptyStore(server.address)
  admin = await Connection.open(server.address)
  reads = new Reads(server.address, new ServerPlace(place))
})
beforeEach(async () => {
  await emptyStore(server.address)
  dead = new DeadNodes(SELF, reads)
})
after(async () => {
  admin.drop()
  await reads.close()
  await server.stop()
})

/** A node that has a lease row, and a mark in one realm. */
async function joined(number: number): Promise<HandNode> {
  const node = await HandNode.open(server.address, number, place)
  await admin.rows('INSERT INTO rescind.lease (node, counter, bound_ms) VALUES ($1, 5, 1000)', [node.id])
  await admin.rows('INSERT INTO rescind.fold_mark (realm, node, seq, no) VALUES (1, $1, 0, 1)', [node.id])
  return node
}

async function left(): Promise<readonly (readonly number[])[]> {
  const counts = ['node', 'lease', 'fold_mark'].map((table) => `(SELECT count(*) FROM rescind.${table})`)
  return admin.rows<readonly number[]>(`SELECT ${counts.join(', ')}`)
}

async function beat({ id }: HandNode): Promise<void> {
  await admin.rows('UPDATE rescind.lease SET counter = counter + 1 WHERE node = $1', [id])
}

test('a node whose counter stood still for ten minutes is forgotten, and its late group is refused', async () => {
  const [self, other, third] = [await joined(1), await joined(2), await joined(3)]
  await dead.forget(0)
  await beat(third)
  await dead.forget(TEN_MINUTES_MS - 1)
  assert.deepEqual(await left(), [[3, 3, 3]])
  await dead.forget(TEN_MINUTES_MS)
  assert.deepEqual(await left(), [[2, 2, 2]], 'neither this node itself nor one that has beaten since')
  await assert.rejects(other.commit(groupOf([write(append())])), { code: 'RS002' })
  for (const node of [self, other, third]) node.connection.drop()
})

test('a heartbeat that comes after the last look keeps the rows', async () => {
  const node = await joined(2)
  await dead.forget(0)
  const [seen] = await admin.rows<[string]>(
    `SELECT json_agg(json_build_object('node', n.id, 'fence', n.fence, 'no', n.group_no, 'counter', l.counter))::text
      FROM rescind.node n JOIN rescind.lease l ON l.node = n.id`,
  )
  await beat(node)
  await admin.rows('SELECT rescind.forget_1($1, $2)', [place, seen?.[0] ?? ''])
  assert.deepEqual(await left(), [[1, 1, 1]])
  node.connection.drop()
})

test('a node that left without its fence row, or never joined, is known by its groups', async () => {
  const [idle, writing] = [
    await HandNode.open(server.address, 2, place),
    await HandNode.open(server.address, 3, place),
  ]
  await dead.forget(0)
  await writing.commit(groupOf([write(append())]))
  await dead.forget(TEN_MINUTES_MS - 1)
  await dead.forget(TEN_MINUTES_MS)
  assert.deepEqual(await admin.rows('SELECT id FROM rescind.node'), [[writing.id]])
  for (const node of [idle, writing]) node.connection.drop()
})

test('a mark that came after its node had left goes, too', async () => {
  const node = await joined(2)
  await admin.rows('INSERT INTO rescind.fold_mark (realm, node, seq, no) VALUES (7, $1, 1, 1)', [SELF])
  const marks = (): Promise<readonly unknown[]> =>
    admin.rows('SELECT node FROM rescind.fold_mark ORDER BY node')
  const before = await marks()
  await admin.rows("SELECT rescind.forget_1($1, '[]')", [place])
  assert.deepEqual(
    await marks(),
    before.filter((row) => JSON.stringify(row) !== JSON.stringify([SELF])),
  )
  assert.equal((await marks()).length, before.length - 1)
  node.connection.drop()
})

test('nothing is forgotten, swept or claimed on another server than the caller means', async () => {
  const node = await joined(2)
  const other = `${place.slice(0, -1)}9`
  const rows = JSON.stringify([{ node: node.id, fence: 1, no: 0, counter: 5 }])
  for (const [call, values] of [
    ['forget_1($1, $2)', [other, rows]],
    ["sweep_1(1, $1, '[]', '[]')", [other]],
    ['upkeep_1($1, $2, NULL, NULL, NULL)', [SELF, other]],
  ] as const)
    await assert.rejects(admin.rows(`SELECT rescind.${call}`, values), { code: 'RS004' })
  assert.deepEqual(await left(), [[1, 1, 1]])
  node.connection.drop()
})
