import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { StoreRefused, StoreUnavailable } from '@rescind/core'
import { emptyStore } from '../../test/kit/postgres-nodes.ts'
import { type PostgresServer, startOwnPostgres } from '../../test/kit/postgres-server.ts'
import { append, applied, commit, REALM, write } from '../contract/samples.ts'
import { Connection } from './connection.ts'
import { MIGRATIONS } from './schema.ts'
import { openPostgres } from './store.ts'

let server: PostgresServer
let admin: Connection
before(async () => {
  server = await startOwnPostgres()
  await emptyStore(server.address)
  admin = await Connection.open(server.address)
})
after(async () => {
  admin.drop()
  await server.stop()
})

async function refusal(address = server.address): Promise<string> {
  try {
    const store = await openPostgres(address, { floorMs: 1_000 })
    await store.close()
    return ''
  } catch (error) {
    assert.ok(error instanceof StoreRefused, String(error))
    assert.ok(!error.message.includes('\n'))
    return error.message
  }
}

async function settled(name: string, value: string): Promise<void> {
  for (;;) {
    const [row] = await admin.rows<[string]>('SELECT current_setting($1)', [name])
    if (row?.[0] === value) return
  }
}

test('a server that loses what it has acknowledged is refused', async () => {
  for (const name of ['fsync', 'full_page_writes']) {
    await admin.run(`ALTER SYSTEM SET ${name} = off`)
    await admin.run('SELECT pg_reload_conf()')
    await settled(name, 'off')
    assert.match(await refusal(), new RegExp(`^${name} is off`))
    await admin.run(`ALTER SYSTEM RESET ${name}`)
    await admin.run('SELECT pg_reload_conf()')
    await settled(name, 'on')
  }
  for (const value of ['off', 'local', 'remote_write']) {
    await admin.run(`ALTER ROLE rescind SET synchronous_commit = ${value}`)
    assert.match(await refusal(), new RegExp(`^synchronous_commit is ${value}`))
  }
  await admin.run('ALTER ROLE rescind SET synchronous_commit = remote_apply')
  assert.equal(await refusal(), '')
  await admin.run('ALTER ROLE rescind RESET synchronous_commit')
})

test('a role whose statements time out is refused, with the statement that mends it', async () => {
  await admin.run("ALTER ROLE rescind SET statement_timeout = '30s'")
  assert.match(await refusal(), /^statement_timeout is 30s.*ALTER ROLE/)
  await admin.run('ALTER ROLE rescind RESET statement_timeout')
  assert.equal(await refusal(), '')
})

test('with requireSync, a role that does not see the standbys is refused', async () => {
  await admin.run('CREATE ROLE plain LOGIN; GRANT ALL ON DATABASE postgres TO plain')
  const plain = { ...server.address, user: 'plain' }
  await assert.rejects(
    openPostgres(plain, { floorMs: 1_000, requireSync: true }),
    /^StoreRefused: requireSync: .*GRANT/,
  )
  await admin.run('GRANT pg_monitor TO plain')
  await assert.rejects(
    openPostgres(plain, { floorMs: 1_000, requireSync: true }),
    /^StoreRefused: PostgreSQL refused to prepare the store: permission denied/,
  )
})

test('with requireSync and no standby, nothing counts as written, no heartbeat counts, and nothing is read as safe', {
  timeout: 20_000,
}, async () => {
  const store = await openPostgres(server.address, { floorMs: 1_000, requireSync: true })
  const { seq } = await store.head(REALM)
  await assert.rejects(commit(store, write(append())), StoreUnavailable)
  // It is there all the same, and folded from the log.
  assert.equal((await store.head(REALM)).seq, seq + 1)
  await store.nodes?.register(1_000, {
    marked: () => {},
    forked: () => {},
    takenOver: () => {},
    reconnected: () => {},
  })
  assert.equal(await store.nodes?.beat([]), undefined)
  assert.equal(await store.nodes?.read([REALM]), undefined)
  await store.close()
})

test('a database that is not UTF-8 is refused', async () => {
  await admin.run("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
  assert.match(await refusal({ ...server.address, database: 'latin' }), /encoding LATIN1/)
})

test('a store of a newer version, one that was moved, and one that came from elsewhere are refused', async () => {
  for (const [spoil, mend, why] of [
    ['version = 99', `version = ${MIGRATIONS.length}`, /schema 99, but this version knows schemas up to/],
    ["moved_to = 'sqlite:./x.db'", 'moved_to = NULL', /this store was moved to sqlite:\.\/x\.db/],
    ['timeline = 99', 'timeline = 1', /timeline 1, but the store has seen timeline 99: it is an old primary/],
    [
      "system_id = '7'",
      'system_id = (SELECT system_identifier::text FROM pg_control_system())',
      /made on the PostgreSQL system 7/,
    ],
  ] as const) {
    await admin.run(`UPDATE rescind.store SET ${spoil}`)
    assert.match(await refusal(), why)
    await admin.run(`UPDATE rescind.store SET ${mend}`)
    assert.equal(await refusal(), '')
  }
})

test('a server that cannot be reached, or refuses the role, is named in one line', async () => {
  assert.match(
    await refusal({ ...server.address, port: 1 }),
    /^PostgreSQL at 127\.0\.0\.1:1 cannot be used: /,
  )
  assert.match(
    await refusal({ ...server.address, user: 'nobody' }),
    /cannot be used: role "nobody" does not exist/,
  )
})

test('a standby is refused; once promoted, the store is made there, on its timeline', async () => {
  const standby = await startOwnPostgres({ isStandby: true })
  try {
    assert.match(await refusal(standby.address), /this PostgreSQL is a standby/)
    const there = await Connection.open(standby.address)
    await there.run('SELECT pg_promote()')
    const store = await openPostgres(standby.address, { floorMs: 1_000 })
    assert.deepEqual((await commit(store, write(append()))).outcomes, [applied(1)])
    await store.close()
    assert.deepEqual(await there.rows('SELECT timeline FROM rescind.store'), [[2]])
    there.drop()
  } finally {
    await standby.stop()
  }
})

test('nodes that start at once on an empty database make one store', async () => {
  await admin.run('CREATE DATABASE crowd')
  const address = { ...server.address, database: 'crowd' }
  const stores = await Promise.all(Array.from({ length: 4 }, () => openPostgres(address, { floorMs: 1_000 })))
  const [first, last] = [stores[0], stores.at(-1)]
  assert.ok(first !== undefined && last !== undefined)
  assert.deepEqual((await commit(first, write(append()))).outcomes, [applied(1)])
  assert.deepEqual((await commit(last, write(append()))).outcomes, [applied(2)])
  for (const store of stores) await store.close()
})

test('a role whose settings would fail each group, or hide what a commit lacks, is refused', async () => {
  for (const [name, value] of [
    ['client_min_messages', 'error'],
    ['default_transaction_isolation', 'serializable'],
    ['default_transaction_read_only', 'on'],
  ] as const) {
    await admin.run(`ALTER ROLE CURRENT_USER SET ${name} = '${value}'`)
    assert.match(await refusal(), new RegExp(`^${name} is ${value}: set it to `))
    await admin.run(`ALTER ROLE CURRENT_USER RESET ${name}`)
  }
  assert.equal(await refusal(), '')
})
