import type { Cursor, Facts, Page, StoredHead } from '../move/ends.ts'
import { columnsOf, keyOf, type MovedTable, PAGE_BYTES, PAGE_ROWS, type Row } from '../move/tables.ts'
import type { Connection } from './connection.ts'

/** How long one page, a count or an index may take. */
export const MOVE_MS = 600_000

/** Reads the moved tables of a schema that nothing else writes to. */
export class MovedRows {
  readonly #connection: Connection
  readonly #schema: string

  constructor(connection: Connection, schema: string) {
    this.#connection = connection
    this.#schema = schema
  }

  async read(table: MovedTable, after: Cursor | undefined): Promise<Page> {
    const key = keyOf(table)
    const found = await this.#connection.rows<Row>(
      pageSql(`${this.#schema}.${table}`, table, after !== undefined),
      after ?? [],
      MOVE_MS,
    )
    const last = found.at(-1)
    return {
      rows: found.map((columns) => columns.slice(key.length)),
      last: last === undefined ? undefined : last.slice(0, key.length).map(String),
    }
  }

  async count(table: MovedTable): Promise<number> {
    const sql = `SELECT count(*) FROM ${this.#schema}.${table}`
    const [row] = await this.#connection.rows<readonly [number]>(sql, [], MOVE_MS)
    return row?.[0] ?? 0
  }

  async facts(): Promise<Facts> {
    const sql = `SELECT floor, (SELECT coalesce(max(tokens), 0) FROM ${this.#schema}.head) FROM ${this.#schema}.store`
    const [row] = await this.#connection.rows<readonly [number, number]>(sql)
    return { floorMs: row?.[0] ?? 0, highestNumber: row?.[1] ?? 0 }
  }

  /** Realms without a row in their log have an end only for their tokens. */
  async heads(): Promise<readonly StoredHead[]> {
    const sql = `SELECT realm, seq, encode(chain, 'hex'), at, ordinal FROM ${this.#schema}.head WHERE seq > 0 ORDER BY realm`
    const rows = await this.#connection.rows<readonly [number, number, string, number, number]>(sql)
    return rows.map(([realm, seq, chain, atMs, ordinal]) => ({ realm, seq, chain, atMs, ordinal }))
  }
}

/** The rows after a key, up to the one that fills the page. */
function pageSql(stored: string, table: MovedTable, isNext: boolean): string {
  const [columns, key] = [columnsOf(table), keyOf(table)]
  const names = key.map(({ name }) => name).join(', ')
  const asText = columns.map(({ name, type }) => (type === 'whole' ? `p.${name}::text` : `p.${name}`))
  const keys = key.map(({ name }) => `p.${name}::text`)
  const values = key.map(({ type }, at) => `$${at + 1}::${type === 'whole' ? 'bigint' : 'text'}`).join(', ')
  const where = isNext ? `WHERE (${names}) > (${values})` : ''
  const sizes = columns
    .filter(({ type }) => type !== 'whole')
    .map(({ name }) => `coalesce(octet_length(s.${name}), 0)`)
  return `SELECT ${[...keys, ...asText].join(', ')} FROM (
      SELECT s.*, coalesce(sum(${['8', ...sizes].join(' + ')})
        OVER (ORDER BY ${names} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
      FROM (SELECT * FROM ${stored} ${where} ORDER BY ${names} LIMIT ${PAGE_ROWS}) s
    ) p WHERE p.before < ${PAGE_BYTES} ORDER BY ${key.map(({ name }) => `p.${name}`).join(', ')}`
}
