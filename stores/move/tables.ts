/** How a column is read and written: whole numbers travel as decimal text, because stores hold 64 bits of them. */
export type ColumnType = 'whole' | 'text' | 'bytes'

export type MovedTable =
  | 'log'
  | 'log_anchor'
  | 'log_kept'
  | 'token'
  | 'consumption'
  | 'tombstone'
  | 'source_expiry'
  | 'record'
  | 'record_key'
  | 'record_list'
  | 'expiring'

/**
 * What a store holds, the same for every engine: the tables and columns that a move copies and its digest covers. The order of
 * the columns is that of a row. An engine may call a table or a column by another name, and have more columns that it derives.
 */
const TABLES: Readonly<Record<MovedTable, Readonly<Record<string, ColumnType>>>> = {
  log: {
    ...{ realm: 'whole', seq: 'whole', at: 'whole', kind: 'whole', rule: 'bytes' },
    ...{ audit: 'bytes', audit_hash: 'bytes', chain: 'bytes' },
  },
  log_anchor: { realm: 'whole', seq: 'whole', chain: 'bytes' },
  log_kept: { realm: 'whole', seq: 'whole', at: 'whole', kind: 'whole', rule: 'bytes' },
  token: {
    ...{ realm: 'whole', number: 'whole', digest: 'text', handle: 'text' },
    ...{ expires_at: 'whole', extended_at: 'whole', facts: 'text', sealed: 'bytes' },
  },
  consumption: { realm: 'whole', handle: 'text', sealed: 'bytes' },
  tombstone: { realm: 'whole', digest: 'text', source: 'text' },
  source_expiry: { realm: 'whole', source: 'text', expires_at: 'whole' },
  record: { realm: 'whole', collection: 'text', id: 'text', version: 'whole', body: 'text' },
  record_key: { realm: 'whole', collection: 'text', name: 'text', value: 'text', id: 'text' },
  record_list: { realm: 'whole', collection: 'text', name: 'text', value: 'text', id: 'text' },
  expiring: { realm: 'whole', kind: 'text', id: 'text', value: 'bytes', expires_at: 'whole' },
}

export type MovedColumn = { readonly name: string; readonly type: ColumnType }

/** Column values in the table's order; whole numbers as text. */
export type Row = readonly (string | Uint8Array | null)[]

export const MOVED_TABLES: readonly MovedTable[] = Object.keys(TABLES) as MovedTable[]

export function columnsOf(table: MovedTable): readonly MovedColumn[] {
  return Object.entries(TABLES[table]).map(([name, type]) => ({ name, type }))
}

/** The columns whose values together are unique: those by which a table is read in pages. */
const KEYS: Readonly<Record<MovedTable, readonly string[]>> = {
  log: ['realm', 'seq'],
  log_anchor: ['realm'],
  log_kept: ['realm', 'seq'],
  token: ['realm', 'number'],
  consumption: ['realm', 'handle'],
  tombstone: ['realm', 'digest'],
  source_expiry: ['realm', 'source'],
  record: ['realm', 'collection', 'id'],
  record_key: ['realm', 'collection', 'name', 'value'],
  record_list: ['realm', 'collection', 'name', 'value', 'id'],
  expiring: ['realm', 'kind', 'id'],
}

export function keyOf(table: MovedTable): readonly MovedColumn[] {
  return columnsOf(table).filter(({ name }) => KEYS[table].includes(name))
}

/** Rows of one page. */
export const PAGE_ROWS = 2_000
/** A page ends with the row that reaches this size, so that memory stays bounded whatever rows hold. */
export const PAGE_BYTES = 4_194_304

/** What the texts of one entry of an index may have in PostgreSQL, which has room for less than a third of a page. */
export const INDEXED_BYTES_MAX = 2_600
