import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { emptyStore } from '../../test/kit/postgres-nodes.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import { columnsOf, MOVED_TABLES } from '../move/tables.ts'
import { storedAs } from '../sqlite/move-tables.ts'
import { migrate } from '../sqlite/schema.ts'
import { Connection } from './connection.ts'

/** What a move does not copy, and why: a table, or a column of one that it copies. */
const LEFT_IN_SQLITE: Readonly<Record<string, string>> = {
  'meta.name':
    'the floor and the highest token number are facts of the store, which are written by themselves',
  'meta.value': 'as its name says',
  'moved.way': 'of this store alone: where it went, and what it came from',
  'moved.id': 'of this store alone',
  'moved.store': 'of this store alone',
  'side_log.path': 'a file that belongs to this store; PostgreSQL has standbys and archives instead',
  'token.bits': 'the first bits of digest and handle, made from them',
  'token.client': 'made from the facts',
}
const LEFT_IN_POSTGRES: Readonly<Record<string, string>> = {
  'store.one': 'there is one row',
  'store.version': 'of this schema',
  'store.floor': 'a fact of the store, which is written by itself',
  'store.system_id': 'of this server',
  'store.timeline': 'of this server',
  'store.moved_id': 'of this store alone: where it went',
  'store.moved_to': 'of this store alone',
  'store.moved_over': 'of this store alone',
  'store.came_id': 'of this store alone: what it came from',
  'store.came_from': 'of this store alone',
  'head.realm': 'the ends of the logs follow from their rows, and are compared with them',
  'head.ordinal': 'as the realm',
  'head.seq': 'as the realm',
  'head.chain': 'as the realm',
  'head.at': 'as the realm',
  'head.groups': 'counts what happened on this server',
  'head.tokens': 'the highest token number is a fact of the store, which is written by itself',
  'head.forked': 'a realm that was rolled back is not moved',
  'head.moved_by': 'a transaction of this server',
  'log.keys':
    'for nodes that judged before the row was written; after a move there is none, and no keys concern every write',
  'record.key_names': 'made from record_key',
  'record.key_values': 'made from record_key',
  'record.list_names': 'made from record_list',
  'record.list_values': 'made from record_list',
  'token.source': 'made from the facts',
  'token.client': 'made from the facts',
}
/**
 * Tables of processes that run on this server, and of how it took over from another; all processes ended before the move, and a
 * store whose takeover is not settled is refused. Which verifiers there are stands among the expiring entries, too.
 */
const OF_PROCESSES = ['node', 'lease', 'fold_mark', 'instance', 'upkeep', 'testimony', 'carried']

let server: PostgresServer
let admin: Connection
before(async () => {
  server = await startPostgres()
  await emptyStore(server.address)
  admin = await Connection.open(server.address)
})
after(async () => {
  admin.drop()
  await server.stop()
})

function sqliteColumns(): readonly string[] {
  const db = new DatabaseSync(':memory:')
  migrate(db, 0)
  const sql = `SELECT m.name AS of, c.name AS name FROM sqlite_schema m, pragma_table_info(m.name) c
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'`
  return db
    .prepare(sql)
    .all()
    .map((row) => `${String(row['of'])}.${String(row['name'])}`)
}

test('a move copies every column of the embedded store, or says why not', () => {
  const copied = MOVED_TABLES.flatMap((table) => {
    const { table: stored, columns, key } = storedAs(table)
    const own = columnsOf(table).flatMap(({ name }) => (name in columns ? [] : [name]))
    // Where columns have another form here, the key holds them.
    const names = own.length === columnsOf(table).length ? own : [...own, ...key.map(({ name }) => name)]
    return names.map((name) => `${stored}.${name}`)
  })
  assert.deepEqual([...copied, ...Object.keys(LEFT_IN_SQLITE)].toSorted(), sqliteColumns().toSorted())
})

test('a move copies every column of the store in PostgreSQL, or says why not', async () => {
  const stored = await admin.rows<readonly [string, string]>(
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'rescind'",
  )
  const of = stored.filter(([table]) => !OF_PROCESSES.includes(table))
  const copied = MOVED_TABLES.flatMap((table) => columnsOf(table).map(({ name }) => `${table}.${name}`))
  assert.deepEqual(
    [...copied, ...Object.keys(LEFT_IN_POSTGRES)].toSorted(),
    of.map((names) => names.join('.')).toSorted(),
  )
  assert.ok(OF_PROCESSES.every((name) => stored.some(([table]) => table === name)))
})
