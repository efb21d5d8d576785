import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { StoreRefused } from '@rescind/core'
import { Feed } from '@rescind/feed'
import { Connection, type PostgresAddress } from '../../stores/postgres/connection.ts'
import { nameOf } from '../../stores/postgres/move-source.ts'
import { openPostgres } from '../../stores/postgres/store.ts'
import { fillStore, realmsOf } from '../kit/moves.ts'
import { type PostgresServer, startPostgres } from '../kit/postgres-server.ts'
import { HandClock, MASTER, START_MS } from '../kit/realm.ts'
import { makeQuickHome } from '../kit/server.ts'
import { assertRefused, type Ended, runHere } from './kit/command.ts'

const { folder, remove } = makeQuickHome()
let server: PostgresServer
let admin: Connection
before(async () => {
  server = await startPostgres()
  admin = await Connection.open(server.address)
  const store = await openPostgres(server.address, { floorMs: START_MS })
  await fillStore(store)
  await store.close()
  writeFileSync(join(folder, 'master.key'), `${MASTER.bytes.toString('base64url')}\n`, { mode: 0o600 })
})
after(async () => {
  admin.drop()
  await server.stop()
  remove()
})

function rescind(words: readonly string[], address: PostgresAddress = server.address): Promise<Ended> {
  const flags = ['--store', nameOf(address), '--master-key-file', 'master.key']
  return runHere({ words: [...words, ...flags], folder })
}

test('commands about files say which tool does the same for a database', async () => {
  assertRefused(
    await rescind(['backup', 'copy.db']),
    /pg_basebackup or pg_dump \(docs\/run\/postgres\.md, "Backups"\)/,
  )
  assertRefused(
    await rescind(['restore', 'copy.db']),
    /brought back by its own tools, then .*rescind epoch new/,
  )
})

test('a new epoch begins in every realm of a store in PostgreSQL, and ends what proved a rollback', async () => {
  await admin.run('UPDATE rescind.head SET forked = true WHERE realm = 1')
  const lost = await rescind(['epoch', 'new'])
  assert.equal(lost.code, 0, lost.stderr)
  assert.match(lost.stdout, /^system: epoch 2; every token issued before is lost\.$/m)
  assert.match(lost.stdout, /^default: epoch 2; every token issued before is lost\.$/m)
  assert.deepEqual(await admin.rows('SELECT FROM rescind.head WHERE forked'), [])
  const kept = await rescind(['epoch', 'new', '--keep-tokens'])
  assert.match(kept.stdout, /^default: epoch 3; its tokens stay valid, because --keep-tokens was given\.$/m)
  assertRefused(await rescind(['epoch', 'new', '--known-position', 'none']), /not a position of a realm/)
})

test('with --require-sync a new epoch counts only on a standby', async () => {
  const refused = await rescind(['epoch', 'new', '--require-sync'])
  assert.equal(refused.code, 2)
  assert.match(refused.stderr, /the store did not confirm a commit/)
})

test('[W59] a key is made on a store in PostgreSQL, and the store is checked', async () => {
  const made = await rescind([
    'key',
    'new',
    '--role',
    'admin',
    '--name',
    'recovery',
    '--show-secret',
    '--json',
  ])
  assert.equal(made.code, 0, made.stderr)
  const { record } = JSON.parse(made.stdout) as { record: { id: string } }
  const found = await admin.rows(
    `SELECT FROM rescind.record WHERE collection = 'controlKeys' AND id = '${record.id}'`,
  )
  assert.equal(found.length, 1)
  const checked = await rescind(['store', 'check'])
  assert.match(checked.stdout, /Nothing is out of order/, checked.stdout + checked.stderr)
})

test('the logs of a store in PostgreSQL are checked, and a row that was altered is named', async () => {
  const right = await rescind(['audit', 'verify'])
  assert.equal(right.code, 0, right.stdout + right.stderr)
  assert.match(right.stdout, /^default: right: \d+ rows up to \d+, chain /m)
  await admin.run("UPDATE rescind.log SET audit = '{}' WHERE realm = 1 AND seq = 2")
  const wrong = await rescind(['audit', 'verify'])
  assert.equal(wrong.code, 1)
  assert.match(wrong.stdout, /^default: WRONG at row 2: it is not the row that was written/m)
})

test('a copy on another server is refused until a new epoch begins there, on whatever timeline', async () => {
  const address = { ...server.address, database: `${server.address.database}_copy` }
  await admin.run(`CREATE DATABASE ${address.database}`)
  const store = await openPostgres(address, { floorMs: START_MS })
  await fillStore(store)
  await store.close()
  const copy = await Connection.open(address)
  await copy.run("UPDATE rescind.store SET system_id = '7', timeline = 9")
  await assert.rejects(openPostgres(address, { floorMs: 0 }), (error: unknown) => {
    assert.ok(error instanceof StoreRefused)
    assert.match(
      error.message,
      /^this store was made on the PostgreSQL system 7, .* run `rescind epoch new` with/,
    )
    return true
  })
  const begun = await rescind(['epoch', 'new'], address)
  assert.equal(begun.code, 0, begun.stdout + begun.stderr)
  assert.match(begun.stdout, /^default: epoch 2; every token issued before is lost/m)
  const again = await openPostgres(address, { floorMs: 0 })
  await again.close()
  copy.drop()
})

test('a realm that cannot be read when a server has taken over is refused later, until it gets an epoch', async () => {
  const address = { ...server.address, database: `${server.address.database}_left` }
  await admin.run(`CREATE DATABASE ${address.database}`)
  const store = await openPostgres(address, { floorMs: START_MS })
  await fillStore(store)
  await store.close()
  const there = await Connection.open(address)
  const isOther = "collection = 'realms' AND id = 'other'"
  await there.run(`UPDATE rescind.record SET body = '!' || body WHERE ${isOther}`)
  await there.run("UPDATE rescind.head SET forked = true; UPDATE rescind.store SET system_id = '7'")
  const begun = await rescind(['epoch', 'new'], address)
  assert.match(begun.stdout, /^other: NO NEW EPOCH: /m)
  // What was proved before stays so, too.
  const [row] = await there.rows<[string]>(`SELECT substr(body, 2) FROM rescind.record WHERE ${isOther}`)
  const { ordinal } = JSON.parse(row?.[0] ?? '') as { readonly ordinal: number }
  const forked = 'SELECT realm FROM rescind.head WHERE forked AND realm < 40'
  assert.deepEqual(await there.rows(forked), [[ordinal]])
  await there.run(`UPDATE rescind.record SET body = substr(body, 2) WHERE ${isOther}`)
  assert.match(await suspensionOf('other', address), /this log was rolled back/)
  const again = await rescind(['epoch', 'new'], address)
  assert.match(again.stdout, /^other: epoch 2; every token issued before is lost/m)
  assert.equal(await suspensionOf('other', address), '')
  there.drop()
})

/** What a server that starts on the store says of a realm. */
async function suspensionOf(name: string, address: PostgresAddress): Promise<string> {
  const store = await openPostgres(address, { floorMs: 0 })
  const realms = await realmsOf(store)
  const feed = await Feed.open({ realms, clock: new HandClock(), alarm: () => {} })
  const realm = await realms.get(name)
  assert.ok(realm !== undefined)
  const suspension = realms.ledger.suspension(realm.ordinal)
  feed.close()
  await realms.ledger.close()
  await store.close()
  return suspension?.advice ?? ''
}

test('a database without a store is refused by a check, which makes none there', async () => {
  const address = { ...server.address, database: `${server.address.database}_bare` }
  await admin.run(`CREATE DATABASE ${address.database}`)
  assertRefused(await rescind(['audit', 'verify'], address), /this database holds no store/)
  const bare = await Connection.open(address)
  assert.deepEqual(await bare.rows("SELECT FROM pg_namespace WHERE nspname = 'rescind'"), [])
  bare.drop()
  assertRefused(
    await runHere({
      words: ['store', 'migrate', nameOf(address), 'sqlite:x.db', '--master-key-file', 'master.key'],
      folder,
    }),
    /there is no store at postgres:/,
  )
})

test('the words of a move are checked before anything is opened', async () => {
  for (const words of [[], ['migrate'], ['migrate', 'sqlite:a.db'], ['move', 'sqlite:a.db', 'sqlite:b.db']])
    assertRefused(
      await runHere({ words: ['store', ...words], folder }),
      /the command is: .*rescind store migrate FROM TO/,
    )
  const run = (from: string, to: string): Promise<Ended> =>
    runHere({ words: ['store', 'migrate', from, to, '--master-key-file', 'master.key'], folder })
  assertRefused(await run('sqlite:a.db', 'sqlite:b.db'), /moves from sqlite:PATH to postgres:\/\/… or back/)
  assertRefused(await run('memory:', 'sqlite:b.db'), /moves from sqlite:PATH to postgres:\/\/… or back/)
  assertRefused(await run('sqlite:a.db', nameOf(server.address)), /there is no store at .*a\.db/)
})
