import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { StoreRefused } from '@rescind/core'
import type { Cursor, Facts, Moved, MoveSource, Page, StoredHead } from '../move/ends.ts'
import { columnsOf, INDEXED_BYTES_MAX, keyOf, MOVED_TABLES, type MovedTable } from '../move/tables.ts'
import { takeLock } from './lock.ts'
import { MovedRows, storedAs } from './move-tables.ts'
import { movedTo } from './moved.ts'
import { configure, refuseForeign } from './schema.ts'

/**
 * Takes a store for a move; one that was not moved yet has this version's schema.
 * @throws StoreRefused when there is none, or another process owns it.
 */
export function openMoveSource(path: string): MoveSource {
  if (!existsSync(path)) throw new StoreRefused(`there is no store at ${path}`)
  const lock = takeLock(path)
  try {
    return new SqliteSource(path, new DatabaseSync(path), lock)
  } catch (error) {
    lock.close()
    throw error
  }
}

class SqliteSource implements MoveSource {
  readonly name: string
  readonly #db: DatabaseSync
  readonly #lock: DatabaseSync
  readonly #rows: MovedRows
  #moved: Moved | undefined

  constructor(path: string, db: DatabaseSync, lock: DatabaseSync) {
    this.name = `sqlite:${path}`
    this.#db = db
    this.#lock = lock
    refuseForeign(db)
    configure(db)
    this.#rows = new MovedRows(db)
    this.#moved = movedTo(db)
  }

  get moved(): Moved | undefined {
    return this.#moved
  }

  async check(): Promise<void> {
    for (const table of MOVED_TABLES) {
      const row = this.#db.prepare(oddRows(table)).get()
      if (row !== undefined)
        throw new StoreRefused(
          `${this.name}: the table ${storedAs(table).table} holds a row that PostgreSQL cannot hold (realm ${String(row['realm'])})`,
        )
    }
  }

  async begin({ id, to }: Omit<Moved, 'isOver'>): Promise<void> {
    this.#db.prepare("INSERT INTO moved (way, id, store) VALUES ('to', ?, ?)").run(id, to)
    this.#moved = { id, to, isOver: false }
  }

  async end(): Promise<void> {
    this.#db.exec(
      "INSERT OR IGNORE INTO moved (way, id, store) SELECT 'over', id, store FROM moved WHERE way = 'to'",
    )
  }

  /** The lock is held since before the move began. */
  async quiet(): Promise<void> {}

  async read(table: MovedTable, after: Cursor | undefined): Promise<Page> {
    return this.#rows.read(table, after)
  }

  async count(table: MovedTable): Promise<number> {
    return this.#rows.count(table)
  }

  async facts(): Promise<Facts> {
    return this.#rows.facts()
  }

  async heads(): Promise<readonly StoredHead[] | undefined> {
    return undefined
  }

  async close(): Promise<void> {
    this.#db.close()
    this.#lock.close()
  }
}

const INTEGER_MAX = 2 ** 31 - 1
const SMALLINT_MAX = 2 ** 15 - 1

/** The client of a chat app's token stands in an index with its source. */
const OVERLONG_CLIENT = `octet_length(facts) > ${INDEXED_BYTES_MAX} AND CASE WHEN json_valid(facts)
  THEN octet_length(json_extract(facts, '$.source')) + octet_length(json_extract(facts, '$.client')) > ${INDEXED_BYTES_MAX} END`

/** The first row with a number or a text that PostgreSQL has no room for; only a damaged store has such numbers. */
function oddRows(table: MovedTable): string {
  const { table: stored, columns } = storedAs(table)
  const realm = columns['realm'] ?? 'realm'
  const texts = columnsOf(table).filter(({ type }) => type === 'text')
  const keys = keyOf(table).filter(({ type }) => type === 'text')
  const odd = [
    `${realm} NOT BETWEEN 0 AND ${INTEGER_MAX}`,
    ...(table === 'log' || table === 'log_kept' ? [`kind NOT BETWEEN 0 AND ${SMALLINT_MAX}`] : []),
    ...(table === 'token' ? ['id < 1', OVERLONG_CLIENT] : []),
    ...(table === 'tombstone' ? [`octet_length(source) + octet_length(digest) > ${INDEXED_BYTES_MAX}`] : []),
    ...texts.map(({ name }) => `instr(${name}, char(0)) > 0`),
    ...(keys.length === 0
      ? []
      : [`${keys.map(({ name }) => `octet_length(${name})`).join(' + ')} > ${INDEXED_BYTES_MAX}`]),
  ]
  return `SELECT ${realm} AS realm FROM ${stored} WHERE ${odd.join(' OR ')} LIMIT 1`
}
