import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { type Operation, storedKind } from '@rescind/authority'
import { emptyStore, HandNode } from '../../test/kit/postgres-nodes.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import {
  bareToken,
  consume,
  deleteRecord,
  digestAt,
  forget,
  groupOf,
  handleAt,
  NOW_MS,
  put,
  putRecord,
  REALM,
  SOURCE,
  write,
} from '../contract/samples.ts'
import { Connection } from './connection.ts'

const [FEW, MANY] = [200, 800]
/** How much more work each change of a large write may be. */
const SLACK = 1.2
/** Of a token that was there before. */
const OLD = 9_999
const KIND = storedKind('memos')

let server: PostgresServer
let place: string
let nodes = 0
before(async () => {
  server = await startPostgres()
})
beforeEach(async () => {
  place = await emptyStore(server.address)
})
after(() => server.stop())

type Step = (nth: number) => Operation

const record = (fromVersion: number, keys: string) => (nth: number) =>
  putRecord(`id ${nth}`, {
    fromVersion,
    keys: [
      { name: 'name', value: `${keys} ${nth}` },
      { name: 'mail', value: `${keys} ${nth}` },
    ],
    lists: [{ name: 'group', value: `${nth % 5}` }],
  })
const entry = (nth: number) => ({ kind: KIND, id: `${nth}`, value: Buffer.from([1]), expiresAtMs: NOW_MS })

const STEPS: readonly Step[] = [
  record(0, 'a'),
  record(1, 'a'),
  record(2, 'b'),
  (nth) => deleteRecord(`id ${nth}`, 3),
  (nth) => put(bareToken(nth, { client: 'one' })),
  (nth) => ({
    kind: 'extend-token',
    digest: digestAt(nth),
    source: SOURCE,
    expiresAtMs: NOW_MS + 7_200_000,
    atMs: NOW_MS,
  }),
  (nth) => consume(nth),
  (nth) => forget(nth, { tombstone: nth % 2 === 0 }),
  (nth) => ({ kind: 'put-expiring', entry: entry(nth) }),
  (nth) => ({ kind: 'drop-expiring', entry: entry(nth) }),
  // For the sweep, which is the last step.
  (nth) => put(bareToken(nth)),
]

/** Rows that the server looks at for one write of so many changes of each step. */
async function workOf(changes: number): Promise<readonly number[]> {
  nodes += 1
  // A new connection has no plans yet.
  const node = await HandNode.open(server.address, nodes, place)
  await node.connection.run('BEGIN')
  const lookedAt: number[] = [0]
  const look = async (): Promise<void> => {
    const [row] = await node.connection.rows<[number]>(LOOKED_AT)
    lookedAt.push(row?.[0] ?? 0)
  }
  for (const step of STEPS) {
    const operations = Array.from({ length: changes }, (_, nth) => step(nth))
    const { outcomes } = await node.commit(groupOf([write(...operations)]))
    assert.equal(outcomes[0]?.kind, 'applied')
    await look()
  }
  const ended = Array.from({ length: changes }, (_, nth) => ({
    digest: digestAt(nth),
    handle: handleAt(nth),
  }))
  await node.connection.rows(SWEEP, [REALM, place, JSON.stringify(ended)])
  const left = await node.connection.rows<[string]>('SELECT handle FROM rescind.token')
  assert.ok(left.every(([handle]) => handle === handleAt(OLD)))
  await look()
  await node.connection.run('ROLLBACK')
  node.connection.drop()
  return lookedAt.slice(1).map((rows, step) => rows - (lookedAt[step] ?? 0))
}

const SWEEP = "SELECT rescind.sweep_1($1, $2, $3, '[]')"
const LOOKED_AT = `SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint
  FROM pg_stat_xact_user_tables WHERE schemaname = 'rescind'`

async function assertLinear(): Promise<void> {
  const [few, many] = [await workOf(FEW), await workOf(MANY)]
  many.forEach((rows, step) => {
    const most = ((few[step] ?? 0) * MANY * SLACK) / FEW + MANY
    assert.ok(rows <= most, `step ${step}: ${few[step]} rows for ${FEW} changes, but ${rows} for ${MANY}`)
  })
}

test(
  'each change of a large write costs as much as one of a small write, before any statistics',
  assertLinear,
)

test('each change of a large write costs as much as one of a small write when the statistics say that the tables are small', async () => {
  const admin = await Connection.open(server.address)
  await admin.run('VACUUM ANALYZE')
  await assertLinear()
  const node = await HandNode.open(server.address, 900, place)
  await node.commit(
    groupOf([write(record(0, 'x')(OLD), put(bareToken(OLD)), { kind: 'put-expiring', entry: entry(OLD) })]),
  )
  await admin.run('VACUUM ANALYZE')
  await assertLinear()
  for (const connection of [admin, node.connection]) connection.drop()
})
