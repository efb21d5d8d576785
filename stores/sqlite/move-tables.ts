import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { realmOrdinal } from '@rescind/core'
import type { Cursor, Facts, Page } from '../move/ends.ts'
import {
  type ColumnType,
  columnsOf,
  keyOf,
  type MovedTable,
  PAGE_BYTES,
  PAGE_ROWS,
  type Row,
} from '../move/tables.ts'
import { ROW_MAX } from './exact.ts'
import { logId } from './log-id.ts'

/** Ids of one realm's log are below this from each other. */
export const SPAN: number = logId(realmOrdinal(1), 0)
const OF_LOG_ID = { realm: `id / ${SPAN}`, seq: `id % ${SPAN}` }

type Key = { readonly name: string; readonly type: ColumnType }
type Read = {
  readonly table: string
  /** Columns of other names. */
  readonly columns: Readonly<Record<string, string>>
  readonly key: readonly Key[]
}

const BY_ID: readonly Key[] = [{ name: 'id', type: 'whole' }]
const OTHERS: Partial<Record<MovedTable, Partial<Read>>> = {
  log: { columns: OF_LOG_ID, key: BY_ID },
  log_kept: { columns: OF_LOG_ID, key: BY_ID },
  token: { columns: { number: 'id' }, key: BY_ID },
  expiring: { table: 'memo' },
}

export function storedAs(table: MovedTable): Read {
  return { table, columns: {}, key: keyOf(table), ...OTHERS[table] }
}

/** The columns of a table as this engine writes them, in the moved order. */
function expressionsOf(table: MovedTable): readonly string[] {
  const { columns } = storedAs(table)
  return columnsOf(table).map(({ name }) => columns[name] ?? name)
}

type Stored = string | bigint | Uint8Array | null

/** Reads the moved tables of a database that nothing else writes to. */
export class MovedRows {
  readonly #db: DatabaseSync
  readonly #first: Map<MovedTable, StatementSync> = new Map()
  readonly #next: Map<MovedTable, StatementSync> = new Map()

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  read(table: MovedTable, after: Cursor | undefined): Page {
    const { key } = storedAs(table)
    const rows: Row[] = []
    let last: Cursor | undefined
    let bytes = 0
    const values = (after ?? []).map((text, at) => (key[at]?.type === 'whole' ? BigInt(text) : text))
    const found = this.#statement(table, after !== undefined).iterate(...values) as Iterable<unknown>
    for (const columns of found as Iterable<readonly Stored[]>) {
      last = columns.slice(0, key.length).map(String)
      rows.push(columns.slice(key.length).map(asMoved))
      bytes += sizeOf(columns)
      if (bytes >= PAGE_BYTES) break
    }
    return { rows, last }
  }

  count(table: MovedTable): number {
    const row = this.#db.prepare(`SELECT count(*) AS rows FROM ${storedAs(table).table}`).get()
    return Number(row?.['rows'])
  }

  facts(): Facts {
    const floor = this.#db.prepare("SELECT value FROM meta WHERE name = 'floor'").get()
    const sql = `SELECT max(
      (SELECT coalesce(max(id), 0) FROM token WHERE id <= ${ROW_MAX}),
      (SELECT coalesce(max(value), 0) FROM meta WHERE name = 'token_row' AND value <= ${ROW_MAX})) AS highest`
    const row = this.#db.prepare(sql).get()
    return { floorMs: Number(floor?.['value']), highestNumber: Number(row?.['highest']) }
  }

  #statement(table: MovedTable, isNext: boolean): StatementSync {
    const known = (isNext ? this.#next : this.#first).get(table)
    if (known !== undefined) return known
    const { key, table: name } = storedAs(table)
    const keys = key.map((one) => one.name)
    const marks = keys.map(() => '?').join(', ')
    const where = isNext ? `WHERE (${keys.join(', ')}) > (${marks})` : ''
    const sql = `SELECT ${[...keys, ...expressionsOf(table)].join(', ')} FROM ${name} ${where}
      ORDER BY ${keys.join(', ')} LIMIT ${PAGE_ROWS}`
    const statement = this.#db.prepare(sql)
    statement.setReadBigInts(true)
    statement.setReturnArrays(true)
    ;(isNext ? this.#next : this.#first).set(table, statement)
    return statement
  }
}

function asMoved(value: Stored): string | Uint8Array | null {
  return typeof value === 'bigint' ? String(value) : value
}

function sizeOf(columns: readonly Stored[]): number {
  let bytes = 0
  for (const value of columns)
    bytes += typeof value === 'string' || value instanceof Uint8Array ? value.length : 8
  return bytes
}
