/**
 * `npm run bench:names:postgres`: what finding tokens by name costs and gives on PostgreSQL. Groups of 64 tokens go in turns into a
 * store with the index and into one without. `-- --tokens N` sets how many tokens each gets.
 */
import { parseArgs } from 'node:util'
import { putToken, type Realm, type Write } from '@rescind/authority'
import { Connection, type PostgresAddress } from '../../stores/postgres/connection.ts'
import { openPostgres } from '../../stores/postgres/store.ts'
import { startOwnPostgres } from '../../test/kit/postgres-server.ts'
import { namedTokens, openRealms, previewNames } from '../named-tokens.ts'
import { median } from '../statistics.ts'

const { values: flags } = parseArgs({ options: { tokens: { type: 'string', default: '300000' } } })
const TOKENS = Number(flags.tokens)
const GROUP = 64
const GROUPS_AT_ONCE = 8

const server = await startOwnPostgres({ isOnDisk: true })
const admin = await Connection.open(server.address)
const sides = [await openSide('named'), await openSide('plain')]
await run(sides[1]?.address, 'DROP INDEX rescind.token_names')
const times = sides.map((): number[] => [])
for (let from = 0; from < TOKENS; from += GROUP * GROUPS_AT_ONCE) {
  const turn = from / (GROUP * GROUPS_AT_ONCE)
  for (const at of turn % 2 === 0 ? [0, 1] : [1, 0]) {
    const side = sides[at]
    if (side !== undefined) times[at]?.push(await putGroups(side, from))
  }
}
const perToken = times.map((of) => (median(of.slice(of.length / 10)) * 1_000) / GROUP / GROUPS_AT_ONCE)
const [withIt = 0, without = 0] = perToken
console.log(
  `a token: ${withIt.toFixed(1)} µs with the index, ${without.toFixed(1)} without: ${(withIt / without).toFixed(3)}`,
)
const [named] = sides
if (named !== undefined) {
  const [[index, table] = [0, 0]] = await sizes(named.address)
  console.log(`bytes a token: the index ${Math.round(index / TOKENS)}, all ${Math.round(table / TOKENS)}`)
  await previewNames(named.realm, TOKENS)
}
await server.stop()
process.exit()

type Side = {
  readonly address: PostgresAddress
  readonly store: Awaited<ReturnType<typeof openPostgres>>
  readonly realm: Realm
}

async function openSide(database: string): Promise<Side> {
  await admin.run(`CREATE DATABASE ${database}`)
  const address = { ...server.address, database }
  const store = await openPostgres(address, { floorMs: Date.now() })
  return { address, store, realm: (await openRealms(store)).default }
}

async function run(address: PostgresAddress | undefined, sql: string): Promise<void> {
  if (address === undefined) return
  const connection = await Connection.open(address)
  await connection.run(sql)
  connection.drop()
}

async function sizes(address: PostgresAddress): Promise<readonly (readonly [number, number])[]> {
  const connection = await Connection.open(address)
  const sql = "SELECT pg_relation_size('rescind.token_names'), pg_total_relation_size('rescind.token')"
  const rows = await connection.rows<readonly [number, number]>(sql)
  connection.drop()
  return rows
}

/** Each token by a write of its own, as requests put them. @returns milliseconds. */
async function putGroups({ store, realm }: Side, from: number): Promise<number> {
  const groups = Array.from({ length: GROUPS_AT_ONCE }, (_, nth) =>
    namedTokens(realm, { from: from + nth * GROUP, count: GROUP, of: TOKENS }).map(
      (record): Write => ({
        realm: realm.ordinal,
        dependsOn: [],
        expects: [],
        operations: [putToken(record)],
      }),
    ),
  )
  const beganMs = performance.now()
  for (const writes of groups) await store.commit({ writes, floorMs: 1 })
  return performance.now() - beganMs
}
