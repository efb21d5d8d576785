import { ContractBroken, StoreRefused } from '@rescind/core'
import { sourceAndClient } from '../move/derived.ts'
import type {
  Came,
  Cursor,
  Facts,
  MoveTarget,
  Page,
  Progress,
  StoredHead,
  TargetState,
} from '../move/ends.ts'
import { columnsOf, MOVED_TABLES, type MovedTable, type Row } from '../move/tables.ts'
import { listsByClient } from '../token-facts.ts'
import type { Connection, PostgresAddress } from './connection.ts'
import { nameOf } from './move-source.ts'
import { MOVE_MS, MovedRows } from './move-tables.ts'
import { movesOf, STAGE, STORE } from './moved.ts'
import { MIGRATIONS, STORE_TABLE } from './schema.ts'
import { checkServer, makeFunctions, SCHEMA_LOCK } from './start.ts'
import { reached } from './store.ts'

/** A database without a store. @throws StoreRefused when the server must not be used as it is. */
export async function openMoveTarget(address: PostgresAddress): Promise<MoveTarget> {
  const connection = await reached(address)
  try {
    await checkServer(connection)
    return new PostgresTarget(nameOf(address), connection, await stateOf(connection, address))
  } catch (error) {
    connection.drop()
    throw error
  }
}

async function stateOf(connection: Connection, address: PostgresAddress): Promise<TargetState> {
  const [store, stage] = [await movesOf(connection, STORE), await movesOf(connection, STAGE)]
  if (store?.came !== undefined) return { kind: 'whole', ...store.came }
  if (store !== undefined)
    throw new StoreRefused(
      `${nameOf(address)} holds a store already: name another database, or drop its schema ${STORE}`,
    )
  return stage?.came === undefined ? { kind: 'empty' } : { kind: 'begun', ...stage.came }
}

/** The type that an array of a column's values has. */
const ARRAYS = { whole: 'bigint[]', text: 'text[]', bytes: 'bytea[]' } as const

class PostgresTarget implements MoveTarget {
  readonly name: string
  readonly state: TargetState
  readonly #connection: Connection
  readonly #rows: MovedRows

  constructor(name: string, connection: Connection, state: TargetState) {
    this.name = name
    this.state = state
    this.#connection = connection
    this.#rows = new MovedRows(connection, STAGE)
  }

  async open(came: Came): Promise<Progress> {
    if (this.state.kind === 'empty') await makeStage(this.#connection, came)
    const sql = `SELECT part, through FROM ${STAGE}.moving`
    const found = await this.#connection.rows<readonly [MovedTable, string]>(sql)
    return new Map(found.map(([part, through]) => [part, JSON.parse(through) as Cursor | 'done']))
  }

  async write(table: MovedTable, rows: readonly Row[], through: Cursor | 'done'): Promise<void> {
    const columns = columnsOf(table)
    const arrays = columns.map((_column, at) => rows.map((row) => row[at] ?? null))
    const names = columns.map(({ name }) => name)
    const types: string[] = columns.map(({ type }) => ARRAYS[type])
    const fixed = table === 'record' ? RECORD_COPIES : []
    if (table === 'token') {
      const derived = rows.map((row) => sourceAndClient(String(row[names.indexOf('facts')])))
      arrays.push(
        derived.map(({ source }) => source),
        derived.map((one) => (listsByClient(one) ? (one.client ?? null) : null)),
      )
      names.push('source', 'client')
      types.push('text[]', 'text[]')
    }
    const parts = types.map((type, at) => `$${at + 3}::${type}`)
    const into = [...names, ...fixed].join(', ')
    const values = ['u.*', ...fixed.map(() => "'{}'")].join(', ')
    // One statement: the rows and how far they reach become durable together.
    const sql = `WITH rows AS (INSERT INTO ${STAGE}.${table} (${into}) SELECT ${values} FROM unnest(${parts.join(', ')}) u)
      INSERT INTO ${STAGE}.moving (part, through) VALUES ($1, $2)
      ON CONFLICT (part) DO UPDATE SET through = excluded.through`
    await this.#connection.rows(sql, [table, JSON.stringify(through), ...arrays], MOVE_MS)
  }

  async finish({ floorMs, highestNumber }: Facts, heads: readonly StoredHead[]): Promise<void> {
    const rows = this.#connection
    await rows.rows(`UPDATE ${STAGE}.store SET floor = $1`, [floorMs])
    for (const part of ['key', 'list']) await rows.rows(copiesSql(part), [], MOVE_MS)
    await rows.rows(FINISH, [JSON.stringify(heads), highestNumber], MOVE_MS)
    // The first statements of a server are planned by these; autovacuum would come a minute later.
    for (const table of [...MOVED_TABLES, 'head']) await rows.rows(`ANALYZE ${STAGE}.${table}`, [], MOVE_MS)
  }

  async place(): Promise<void> {
    await this.#connection.run(SCHEMA_LOCK, MOVE_MS)
    // Made by an administrator, perhaps; with anything in it this fails.
    await this.#connection.run(`DROP SCHEMA IF EXISTS ${STORE}; DROP TABLE ${STAGE}.moving`, MOVE_MS)
    await this.#connection.run(`ALTER SCHEMA ${STAGE} RENAME TO ${STORE}`, MOVE_MS)
    await makeFunctions(this.#connection)
    await this.#connection.run('COMMIT', MOVE_MS)
  }

  read(table: MovedTable, after: Cursor | undefined): Promise<Page> {
    return this.#rows.read(table, after)
  }

  count(table: MovedTable): Promise<number> {
    return this.#rows.count(table)
  }

  facts(): Promise<Facts> {
    return this.#rows.facts()
  }

  heads(): Promise<readonly StoredHead[]> {
    return this.#rows.heads()
  }

  async close(): Promise<void> {
    this.#connection.drop()
  }
}

/** Copies of what names and lists a record, which are made once those tables are whole. */
const RECORD_COPIES = ['key_names', 'key_values', 'list_names', 'list_values']

function copiesSql(of: string): string {
  return `UPDATE ${STAGE}.record r SET ${of}_names = o.names, ${of}_values = o.held FROM (
      SELECT realm, collection, id, array_agg(name ORDER BY name, value) AS names, array_agg(value ORDER BY name, value) AS held
      FROM ${STAGE}.record_${of} GROUP BY realm, collection, id) o
    WHERE r.realm = o.realm AND r.collection = o.collection AND r.id = o.id`
}

/** Also realms whose log is empty have a row, if they have tokens: it says how these are numbered. */
const FINISH = `
  INSERT INTO ${STAGE}.head (realm, ordinal, seq, chain, at, groups, tokens, forked, moved_by)
  SELECT realm, coalesce(h.ordinal, 0), coalesce(h.seq, 0), coalesce(decode(h.chain, 'hex'), decode(repeat('00', 32), 'hex')),
    coalesce(h."atMs", 0), 0, $2::bigint, false, pg_current_xact_id()
  FROM json_to_recordset($1) AS h(realm integer, ordinal integer, seq bigint, chain text, "atMs" bigint)
    FULL JOIN (SELECT DISTINCT realm FROM ${STAGE}.token) t USING (realm)
  ON CONFLICT (realm) DO UPDATE SET seq = excluded.seq, chain = excluded.chain, at = excluded.at,
    ordinal = excluded.ordinal, tokens = excluded.tokens`

async function makeStage(connection: Connection, { id, from }: Came): Promise<void> {
  const staged = (sql: string): string =>
    sql
      .replaceAll(/\bSCHEMA IF NOT EXISTS rescind\b/g, `SCHEMA ${STAGE}`)
      .replaceAll(/\brescind\./g, `${STAGE}.`)
  await connection.run(SCHEMA_LOCK, MOVE_MS)
  if ((await movesOf(connection, STORE)) !== undefined) throw new ContractBroken('a store came in between')
  await connection.run(staged([STORE_TABLE, ...MIGRATIONS].join(';\n')), MOVE_MS)
  await connection.rows(
    `INSERT INTO ${STAGE}.store (version, floor, system_id, timeline, came_id, came_from)
      SELECT $1, 0, system_identifier::text, 0, $2, $3 FROM pg_control_system()`,
    [MIGRATIONS.length, id, from],
  )
  await connection.run(`CREATE TABLE ${STAGE}.moving (part text PRIMARY KEY, through text NOT NULL)`, MOVE_MS)
  await connection.run('COMMIT', MOVE_MS)
}
