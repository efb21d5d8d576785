import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { sourceAndClient } from '../move/derived.ts'
import type { Came, Cursor, Progress } from '../move/ends.ts'
import { columnsOf, MOVED_TABLES, type MovedTable, type Row } from '../move/tables.ts'
import { MovedRows, SPAN, storedAs } from './move-tables.ts'
import { configure, migrate } from './schema.ts'
import { clientKey } from './token-row.ts'

/** A server's threads write the log back by themselves; a copy has none. */
const LOG_PAGES = 4_096
const PROGRESS = 'CREATE TABLE moving (part TEXT PRIMARY KEY, through TEXT NOT NULL) STRICT, WITHOUT ROWID'

/** Tables whose columns this engine names otherwise, or has more of; the parameters are in the moved order. */
const INSERTS: Partial<Record<MovedTable, string>> = {
  log: `INSERT INTO log (id, at, kind, rule, audit, audit_hash, chain)
    VALUES (CAST(?1 AS INTEGER) * ${SPAN} + ?2, ?3, ?4, ?5, ?6, ?7, ?8)`,
  log_kept: `INSERT INTO log_kept (id, at, kind, rule) VALUES (CAST(?1 AS INTEGER) * ${SPAN} + ?2, ?3, ?4, ?5)`,
  token: `INSERT INTO token (id, realm, digest, handle, bits, expires_at, extended_at, client, facts, sealed)
    VALUES (?2, ?1, ?3, ?4, substr(?3, 1, 5) || substr(?4, 5, 5), ?5, ?6, ?9, ?7, ?8)`,
}

/** The file that a store is copied into. It has the store's tables, and one that says how far the copy is. */
export class MoveStage {
  readonly file: string
  readonly rows: MovedRows
  readonly #db: DatabaseSync
  readonly #inserts: Map<MovedTable, StatementSync> = new Map()
  #lastToken: bigint

  constructor(file: string, came: Came) {
    this.file = file
    this.#db = new DatabaseSync(file)
    configure(this.#db)
    this.#db.exec(`PRAGMA wal_autocheckpoint = ${LOG_PAGES}`)
    migrate(this.#db, 0)
    begin(this.#db, came)
    this.rows = new MovedRows(this.#db)
    this.#lastToken = BigInt(this.rows.facts().highestNumber)
  }

  progress(): Progress {
    // It goes as the last thing: without it, only the file's name is missing.
    if (!hasProgress(this.#db)) return new Map(MOVED_TABLES.map((table) => [table, 'done']))
    const found = this.#db.prepare('SELECT part, through FROM moving').all()
    return new Map(
      found.map(({ part, through }) => [part as MovedTable, JSON.parse(String(through)) as Cursor | 'done']),
    )
  }

  write(table: MovedTable, rows: readonly Row[], through: Cursor | 'done'): void {
    const insert = this.#insertOf(table)
    const types = columnsOf(table).map(({ type }) => type)
    this.#db.exec('BEGIN IMMEDIATE')
    for (const row of rows) {
      const values = row.map((value, at) =>
        typeof value === 'string' && types[at] === 'whole' ? BigInt(value) : value,
      )
      insert.run(...(table === 'token' ? this.#token(values) : values))
    }
    this.#db
      .prepare('INSERT OR REPLACE INTO moving (part, through) VALUES (?, ?)')
      .run(table, JSON.stringify(through))
    this.#db.exec('COMMIT')
  }

  finish(floorMs: number, highestNumber: number): void {
    const highest = highestNumber > this.#lastToken ? highestNumber : Number(this.#lastToken)
    this.#db.prepare("UPDATE meta SET value = ? WHERE name = 'floor'").run(floorMs)
    this.#db
      .prepare(
        "INSERT INTO meta (name, value) VALUES ('token_row', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
      )
      .run(highest)
  }

  /** Leaves one file, with nothing in a write-ahead log. */
  complete(): void {
    this.#db.exec('DROP TABLE IF EXISTS moving')
    this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    this.#db.close()
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close()
  }

  /**
   * Here one count numbers the tokens of all realms. A number never falls, so a list that goes on after the last one that it
   * has seen may show tokens again, and misses none.
   */
  #token(values: readonly (string | bigint | Uint8Array | null)[]): (string | bigint | Uint8Array | null)[] {
    const number = values[1] as bigint
    this.#lastToken = number > this.#lastToken ? number : this.#lastToken + 1n
    const facts = sourceAndClient(String(values[6]))
    return [values[0] ?? null, this.#lastToken, ...values.slice(2), clientKey(facts) ?? null]
  }

  #insertOf(table: MovedTable): StatementSync {
    const known = this.#inserts.get(table)
    if (known !== undefined) return known
    const names = columnsOf(table).map(({ name }) => name)
    const plain = `INSERT INTO ${storedAs(table).table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`
    const statement = this.#db.prepare(INSERTS[table] ?? plain)
    this.#inserts.set(table, statement)
    return statement
  }
}

function begin(db: DatabaseSync, { id, from }: Came): void {
  if (db.prepare("SELECT 1 FROM moved WHERE way = 'from'").get() !== undefined) return
  db.exec('BEGIN IMMEDIATE')
  db.exec(PROGRESS)
  db.prepare("INSERT INTO moved (way, id, store) VALUES ('from', ?, ?)").run(id, from)
  db.exec('COMMIT')
}

function hasProgress(db: DatabaseSync): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'moving'").get() !== undefined
}
