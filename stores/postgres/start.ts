import { StoreRefused } from '@rescind/core'
import type { Connection } from './connection.ts'
import { FUNCTIONS } from './functions.ts'
import { refuseMoving } from './moved.ts'
import { makeEmptyIndex } from './names-index.ts'
import { MIGRATIONS, STORE_TABLE } from './schema.ts'
import { type Place, timelineOf } from './server-place.ts'
import { DURABLE_COMMITS, GATE } from './setup-functions.ts'
import { SEES_STANDBYS } from './standby.ts'

/** Nodes that start at once make the schema one after the other; the second key of `GATE` is never this low. */
export const SCHEMA_LOCK: string = `BEGIN; SELECT pg_advisory_xact_lock(${GATE}, -1)`
/** Another node may be making the schema, or changing tables that are large. */
const SCHEMA_MS = 60_000
const OLDEST_MAJOR = 15

export type OpenChecks = {
  /** The floor of a store that is created now. */
  readonly floorMs: number
  /** A database without a store is refused. */
  readonly mustExist?: boolean
  /** Whether nothing counts as written before a synchronous standby has it. */
  readonly requireSync?: boolean
  /** For an operator who says what becomes of the tokens: the store opens also on a server that has taken over. */
  readonly afterTakeover?: boolean
}

/** `isTakeoverDue`: nobody has said what the tokens are worth on this server. */
type Settled = { readonly place: Place; readonly isTakeoverDue: boolean }
/** `hasNames`: whether tokens can be found by name. */
export type Prepared = Settled & { readonly hasNames: boolean }

/** Checks the server, and brings the store to this version's schema. @throws StoreRefused with one line that says why. */
export async function prepareStore(connection: Connection, checks: OpenChecks): Promise<Prepared> {
  await checkServer(connection)
  if (checks.requireSync === true) await checkRole(connection)
  await connection.run(SCHEMA_LOCK, SCHEMA_MS)
  await refuseMoving(connection)
  if (!(await exists(connection, HAS_TABLE, 'store'))) {
    if (checks.mustExist === true) throw new StoreRefused('this database holds no store')
    await connection.run(STORE_TABLE, SCHEMA_MS)
  }
  await migrate(connection, checks.floorMs)
  await makeFunctions(connection)
  const hasNames = await makeEmptyIndex(connection)
  const settled = await settlePlace(connection, checks.afterTakeover === true)
  await connection.run('COMMIT', SCHEMA_MS)
  return { ...settled, hasNames }
}

/** Those that are not there yet. */
export async function makeFunctions(connection: Connection): Promise<void> {
  const there = new Set((await connection.rows<readonly [string]>(THERE)).map(([name]) => name))
  for (const [name, sql] of FUNCTIONS) if (!there.has(name)) await connection.run(sql, SCHEMA_MS)
}

const HAS_TABLE = "SELECT FROM pg_tables WHERE schemaname = 'rescind' AND tablename = $1"
const THERE = `SELECT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname = 'rescind'`

async function exists(connection: Connection, sql: string, name: string): Promise<boolean> {
  return (await connection.rows(sql, [name])).length > 0
}

type Settings = readonly [
  version: string,
  number: string,
  fsync: string,
  pages: string,
  commit: string,
  timeout: string,
  encoding: string,
  standby: boolean,
]

const SETTINGS = `SELECT version(), current_setting('server_version_num'), current_setting('fsync'),
  current_setting('full_page_writes'), current_setting('synchronous_commit'), current_setting('statement_timeout'),
  current_setting('server_encoding'), pg_is_in_recovery()`

/** @throws StoreRefused for a server that loses what it has acknowledged, or lacks what groups rely on. */
export async function checkServer(connection: Connection): Promise<void> {
  const [row] = await connection.rows<Settings>(SETTINGS)
  if (row === undefined) throw new StoreRefused('the server says nothing about itself')
  const [version, number, fsync, pages, commit, timeout, encoding, standby] = row
  const problem = serverProblem({ version, major: Math.floor(Number(number) / 10_000) })
  if (problem !== undefined) throw new StoreRefused(problem)
  if (standby) throw new StoreRefused('this PostgreSQL is a standby: name the primary')
  if (encoding !== 'UTF8')
    throw new StoreRefused(`the database has the encoding ${encoding}: it must be UTF8`)
  if (timeout !== '0')
    throw new StoreRefused(
      `statement_timeout is ${timeout}: set it to 0 for this role (ALTER ROLE … SET statement_timeout = 0)`,
    )
  for (const [name, value] of [
    ['fsync', fsync],
    ['full_page_writes', pages],
  ] as const)
    if (value !== 'on')
      throw new StoreRefused(
        `${name} is ${value}: what was acknowledged would not survive a crash; set it to on`,
      )
  if (!DURABLE_COMMITS.includes(commit))
    throw new StoreRefused(`synchronous_commit is ${commit}: set it to on, or to remote_apply`)
  await checkReliedOn(connection)
}

/** Settings of the role or the database that groups rely on, with what they may be, and an older server may lack. */
const RELIED_ON: readonly (readonly [name: string, ...values: readonly string[]])[] = [
  // Without warnings nobody would hear that a commit was not replicated.
  ['client_min_messages', 'debug5', 'debug4', 'debug3', 'debug2', 'debug1', 'log', 'notice', 'warning'],
  ['default_transaction_isolation', 'read committed'],
  ['default_transaction_read_only', 'off'],
  ['transaction_timeout', '0'],
]

const GIVEN = `SELECT current_setting(u.name, true) FROM unnest($1::text[]) WITH ORDINALITY AS u(name, nth) ORDER BY u.nth`

async function checkReliedOn(connection: Connection): Promise<void> {
  const names = RELIED_ON.map(([name]) => name)
  const given = await connection.rows<readonly [string | null]>(GIVEN, [`{${names.join(',')}}`])
  for (const [nth, [name, ...values]] of RELIED_ON.entries()) {
    const value = given[nth]?.[0] ?? values[0]
    if (value === undefined || !values.includes(value))
      throw new StoreRefused(`${name} is ${value ?? ''}: set it to ${values.at(-1) ?? ''} for this role`)
  }
}

async function checkRole(connection: Connection): Promise<void> {
  const [row] = await connection.rows<readonly [boolean]>(SEES_STANDBYS)
  if (row?.[0] !== true)
    throw new StoreRefused(
      'requireSync: this role does not see what the standbys have flushed (GRANT pg_read_all_stats TO …)',
    )
}

/** Products that speak PostgreSQL's protocol lack what groups rely on: row and advisory locks, PL/pgSQL, one log. */
export function serverProblem({ version, major }: { version: string; major: number }): string | undefined {
  if (!/^PostgreSQL \d/.test(version) || /-YB-|Yugabyte|Redshift|Greenplum|Materialize/i.test(version))
    return `this is not PostgreSQL but "${version.slice(0, 60)}"`
  if (major < OLDEST_MAJOR) return `this is PostgreSQL ${major}: ${OLDEST_MAJOR} or newer is needed`
  return undefined
}

async function migrate(connection: Connection, floorMs: number): Promise<void> {
  await connection.rows(
    `INSERT INTO rescind.store (version, floor, system_id, timeline)
      SELECT 0, $1, system_identifier::text, 0 FROM pg_control_system() ON CONFLICT DO NOTHING`,
    [floorMs],
  )
  const [row] = await connection.rows<readonly [number, string | null]>(
    'SELECT version, moved_to FROM rescind.store',
  )
  const version = row?.[0] ?? 0
  if (version > MIGRATIONS.length)
    throw new StoreRefused(
      `the store has schema ${version}, but this version knows schemas up to ${MIGRATIONS.length}: use a newer version`,
    )
  if (row?.[1] != null) throw new StoreRefused(`this store was moved to ${row[1]}: start with that one`)
  for (let next = version; next < MIGRATIONS.length; next += 1)
    await connection.run(`${MIGRATIONS[next]}; UPDATE rescind.store SET version = ${next + 1}`, SCHEMA_MS)
}

/**
 * A store is used on one timeline. A lower one, or another system, is a copy that fell behind. On a higher one something that
 * was acknowledged may be missing, and only running nodes or an operator know that.
 */
async function settlePlace(connection: Connection, afterTakeover: boolean): Promise<Settled> {
  const [row] = await connection.rows<readonly [Place, string, number]>(
    'SELECT rescind.place_1(), system_id, timeline FROM rescind.store',
  )
  const [place, systemId, used] = row ?? ['', '', 0]
  const { system, timeline } = timelineOf(place) ?? { system: '', timeline: 0 }
  if (system !== systemId) {
    // Timelines of two systems cannot be compared.
    if (afterTakeover) return { place, isTakeoverDue: true }
    throw new StoreRefused(
      `this store was made on the PostgreSQL system ${systemId}, and this is ${system}: a copy may lack what was acknowledged; ${ADVICE}`,
    )
  }
  if (timeline < used)
    throw new StoreRefused(
      [
        `this server writes timeline ${timeline}, but the store has seen timeline ${used}:`,
        'it is an old primary; give the address of the current one',
      ].join(' '),
    )
  if (used === 0) await connection.rows('UPDATE rescind.store SET timeline = $1', [timeline])
  else if (timeline > used && !afterTakeover)
    throw new StoreRefused(
      `this server took over (timeline ${timeline} after ${used}), and no running node has said that nothing is missing; ${ADVICE}`,
    )
  return { place, isTakeoverDue: used !== 0 && timeline > used }
}

const ADVICE =
  'run `rescind epoch new` with --known-position P, the last position that anybody has, or without it to end every token'
