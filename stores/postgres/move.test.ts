import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import type { Store } from '@rescind/authority'
import { realmOrdinal, StoreRefused, StoreUnavailable } from '@rescind/core'
import { fillStore, HAND_REALM, realmsOf } from '../../test/kit/moves.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import { MASTER, START_MS } from '../../test/kit/realm.ts'
import { makeQuickHome } from '../../test/kit/server.ts'
import { append, bareToken, commit, put, putRecord, write, writeIn } from '../contract/samples.ts'
import { digestOf } from '../move/digest.ts'
import type { MoveSource, MoveTarget } from '../move/ends.ts'
import { type MoveDone, moveStore } from '../move/move.ts'
import { migrateStore } from '../open.ts'
import { backupSqlite } from '../sqlite/backup.ts'
import { openMoveSource as openSqliteSource } from '../sqlite/move-source.ts'
import { openMoveTarget as openSqliteTarget } from '../sqlite/move-target.ts'
import { openSqlite } from '../sqlite/store.ts'
import { Connection, type PostgresAddress } from './connection.ts'
import { openMoveSource } from './move-source.ts'
import { openMoveTarget } from './move-target.ts'
import { openPostgres } from './store.ts'

const home = makeQuickHome()
let server: PostgresServer
let admin: Connection
let databases = 0
before(async () => {
  server = await startPostgres()
  admin = await Connection.open(server.address)
})
after(async () => {
  admin.drop()
  await server.stop()
  home.remove()
})

async function database(): Promise<PostgresAddress> {
  databases += 1
  const name = `${server.address.database}_move_${databases}`
  await admin.run(`CREATE DATABASE ${name}`)
  return { ...server.address, database: name }
}

let files = 0
const newPath = (): string => {
  files += 1
  return join(home.folder, `store-${files}.db`)
}

async function filled(tokens?: number): Promise<string> {
  const path = newPath()
  const store = await openSqlite(path, START_MS)
  await fillStore(store, tokens)
  await store.close()
  return path
}

type Ends = { readonly source: MoveSource; readonly target: MoveTarget }
type Opening = () => Promise<Ends>

const up = (path: string, address: PostgresAddress): Opening => {
  return async () => withTarget(openSqliteSource(path), () => openMoveTarget(address))
}
const down = (address: PostgresAddress, path: string): Opening => {
  return async () => withTarget(await openMoveSource(address), () => openSqliteTarget(path))
}

async function withTarget(source: MoveSource, open: () => Promise<MoveTarget>): Promise<Ends> {
  try {
    return { source, target: await open() }
  } catch (error) {
    await source.close()
    throw error
  }
}

async function move(open: Opening, changed: (ends: Ends) => Ends = (ends) => ends): Promise<MoveDone> {
  const ends = await open()
  const { source, target } = changed(ends)
  try {
    return await moveStore(source, target, { master: MASTER })
  } finally {
    await ends.target.close()
    await ends.source.close()
  }
}

async function digest(source: MoveSource | Promise<MoveSource>): Promise<string> {
  const opened = await source
  const { text } = await digestOf(opened, () => {})
  await opened.close()
  return text
}

test('a store that moves to PostgreSQL and back is the same store, by digest and for its realms', async () => {
  const [path, address, back] = [await filled(), await database(), newPath()]
  const before = await digest(openSqliteSource(path))
  const there = await move(up(path, address))
  assert.equal(there.digest?.text, before)
  assert.equal(await digest(openMoveSource(address)), before)
  const again = await move(down(address, back))
  assert.equal(again.digest?.text, before)
  assert.equal(await digest(openSqliteSource(back)), before)
  const store = await openSqlite(back, START_MS)
  const realms = await realmsOf(store)
  assert.deepEqual(
    realms.all().map(({ name }) => name),
    ['system', 'default', 'other'],
  )
  await realms.ledger.close()
  await store.close()
})

/** What a crash may cut off: each call of the two ends that changes something. */
const STEPS = ['begin', 'open', 'write', 'finish', 'quiet', 'place', 'end'] as const

class Crash extends Error {}

/** Ends whose nth change fails, before or after it is made. */
function crashing({ source, target }: Ends, at: number, when: 'before' | 'after'): Ends {
  let count = 0
  const wrapped = <T extends object>(inner: T): T =>
    new Proxy(inner, {
      get(of, name): unknown {
        const value: unknown = Reflect.get(of, name, of)
        if (typeof value !== 'function') return value
        if (!STEPS.some((step) => step === name)) return value.bind(of) as unknown
        return async (...given: unknown[]): Promise<unknown> => {
          count += 1
          if (count === at && when === 'before') throw new Crash()
          const done: unknown = await Reflect.apply(value, of, given)
          if (count === at) throw new Crash()
          return done
        }
      },
    })
  return { source: wrapped(source), target: wrapped(target) }
}

/** Crashes once at each change, in turn. @returns how many there were. */
async function moveWithCrashes(open: Opening, when: 'before' | 'after'): Promise<number> {
  for (let at = 1; ; at += 1) {
    try {
      await move(open, (ends) => crashing(ends, at, when))
      return at - 1
    } catch (error) {
      if (!(error instanceof Crash)) throw error
    }
  }
}

for (const when of ['before', 'after'] as const)
  test(`a move that is cut off ${when} each of its steps goes on when it is run again`, async () => {
    const [path, address, back] = [await filled(), await database(), newPath()]
    const wanted = await digest(openSqliteSource(path))
    assert.ok((await moveWithCrashes(up(path, address), when)) >= STEPS.length)
    assert.equal(await digest(openMoveSource(address)), wanted)
    assert.ok((await moveWithCrashes(down(address, back), when)) >= STEPS.length)
    assert.equal(await digest(openSqliteSource(back)), wanted)
  })

async function refusal(doing: Promise<unknown>): Promise<string> {
  const error: unknown = await doing.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof StoreRefused, String(error))
  assert.ok(!error.message.includes('\n'))
  return error.message
}

test('a store that was moved does not start, is not backed up, and says in one line where it is', async () => {
  const [path, address, back] = [await filled(), await database(), newPath()]
  await move(up(path, address))
  const elsewhere =
    /^this store was moved to postgres:\/\/rescind@127\.0\.0\.1:\d+\/\w+: start with that one$/
  assert.match(await refusal(openSqlite(path, START_MS)), elsewhere)
  assert.match(await refusal(backupSqlite(path, newPath())), /this store was moved to postgres/)
  await move(down(address, back))
  assert.equal(
    await refusal(openPostgres(address, { floorMs: 0 })),
    `this store was moved to sqlite:${back}: start with that one`,
  )
})

test('a move goes on to its first target alone, and only from its own source', async () => {
  const [path, first, second] = [await filled(), await database(), await database()]
  const cut = move(up(path, first), (ends) => crashing(ends, 4, 'after'))
  await assert.rejects(cut, Crash)
  assert.match(
    await refusal(move(up(path, second))),
    /is being moved, or was moved, to .*cannot go anywhere else/,
  )
  const other = await filled()
  assert.match(await refusal(move(up(other, first))), /holds half a copy of another store, sqlite:.*store-/)
  const node = openPostgres(first, { floorMs: 0 })
  assert.match(await refusal(node), /rescind_moving is half a copy of another store/)
  assert.ok((await move(up(path, first))).digest !== undefined)
  assert.equal((await move(up(path, first))).digest, undefined)
  assert.match(await refusal(move(up(other, first))), /holds a store already/)
})

test('a copy that is gone is made again only if it never was in place', async () => {
  const [path, address] = [await filled(), await database()]
  const drop = async (schema: string): Promise<void> => {
    const db = await Connection.open(address)
    await db.run(`DROP SCHEMA ${schema} CASCADE`)
    db.drop()
  }
  await assert.rejects(
    move(up(path, address), (ends) => crashing(ends, 6, 'after')),
    Crash,
  )
  await drop('rescind_moving')
  assert.ok((await move(up(path, address))).digest !== undefined)
  await drop('rescind')
  assert.match(
    await refusal(move(up(path, address))),
    /is gone: what is here is out of date; restore a backup/,
  )
})

test('a copy on disk is refused to servers until it is complete, and never replaces a store', async () => {
  const [path, address, back] = [await filled(), await database(), newPath()]
  await move(up(path, address))
  await assert.rejects(
    move(down(address, back), (ends) => crashing(ends, 4, 'after')),
    Crash,
  )
  assert.match(await refusal(openSqlite(back, START_MS)), /\.moving is half a copy of another store/)
  assert.ok((await move(down(address, back))).digest !== undefined)
  const third = await database()
  assert.match(await refusal(move(up(path, third))), /is being moved, or was moved/)
  assert.match(await refusal(move(down(await occupied(), back))), /holds a store already/)
  const stale = newPath()
  writeFileSync(`${stale}-wal`, 'frames of a store that is gone')
  assert.match(await refusal(move(down(await occupied(), stale))), /db-wal is left of another store/)
  const foreign = await filled()
  assert.match(await refusal(move(down(await occupied(), foreign))), /exists: a move never replaces a store/)
})

/** A database with a store of its own. */
async function occupied(): Promise<PostgresAddress> {
  const address = await database()
  const store = await openPostgres(address, { floorMs: START_MS })
  const realms = await realmsOf(store)
  await realms.ledger.close()
  await store.close()
  return address
}

test('nothing is begun with another master key, onto a store, or from a store that another process owns', async () => {
  const [path, address] = [await filled(), await database()]
  const { source, target } = await up(path, address)()
  const master = { bytes: Buffer.alloc(32, 8) }
  assert.match(await refusal(moveStore(source, target, { master })), /^the master key is not the one/)
  assert.match(await refusal((async () => openSqliteSource(path))()), /another process owns the store/)
  await target.close()
  await source.close()
  assert.match(
    await refusal(move(up(path, await occupied()))),
    /holds a store already: name another database/,
  )
  const store = await openSqlite(path, START_MS)
  await store.close()
})

test('a live node forbids a move, and a node that comes back after it has to end', async () => {
  const [address, back] = [await occupied(), newPath()]
  const db = await Connection.open(address)
  await db.run("INSERT INTO rescind.lease VALUES ('00000000-0000-4000-8000-000000000001', 1, 100)")
  const beats = setInterval(() => void db.run('UPDATE rescind.lease SET counter = counter + 1'), 10)
  assert.match(
    await refusal(move(down(address, back))),
    /^1 of its nodes still run on .*: stop every node first$/,
  )
  clearInterval(beats)
  const ended: string[] = []
  const node = await openPostgres(address, { floorMs: 0, fenced: (why) => ended.push(why) })
  assert.ok((await move(down(address, back))).digest !== undefined)
  await assert.rejects(commit(node, write(append())), StoreUnavailable)
  assert.deepEqual(ended, [`this store was moved to sqlite:${back}`])
  await node.close()
  db.drop()
})

test('a row that PostgreSQL cannot hold forbids the move before it begins, and is named', async () => {
  const address = await database()
  const long = JSON.stringify({ source: 'chat/acme', client: '\u4e2d'.repeat(1_000) })
  for (const [table, spoil, value] of [
    [
      'record',
      "INSERT INTO record (realm, collection, id, version, body) VALUES (1, 'users', ?, 1, '{}')",
      'a\0b',
    ],
    ['tombstone', "INSERT INTO tombstone (realm, digest, source) VALUES (1, 'd', ?)", 'c'.repeat(2_600)],
    ['token', 'UPDATE token SET facts = ? WHERE id = (SELECT min(id) FROM token WHERE realm = 1)', long],
  ] as const) {
    const path = await filled()
    const db = new DatabaseSync(path)
    db.prepare(spoil).run(value)
    db.close()
    assert.match(
      await refusal(move(up(path, address))),
      new RegExp(`the table ${table} holds a row that PostgreSQL cannot hold \\(realm 1\\)`),
    )
    const store = await openSqlite(path, START_MS)
    await store.close()
  }
})

test('a move that an engine refuses or that is cut off says so in one line', async () => {
  const [path, address] = [await filled(), await database()]
  await admin.run('CREATE ROLE poor LOGIN')
  const to = {
    kind: 'postgres',
    path: undefined,
    isDurable: true,
    address: { ...address, user: 'poor' },
  } as const
  const move = migrateStore({ from: { kind: 'sqlite', path, isDurable: true }, to, master: MASTER })
  assert.match(await refusal(move), /^the move was cut off: permission denied.*; run the same command again$/)
})

test('a copy that is altered meanwhile is not put in place', async () => {
  const [path, address] = [await filled(), await database()]
  await assert.rejects(
    move(up(path, address), (ends) => crashing(ends, 9, 'after')),
    Crash,
  )
  const db = await Connection.open(address)
  await db.run('UPDATE rescind_moving.token SET expires_at = expires_at + 1 WHERE number = 2')
  assert.match(await refusal(move(up(path, address))), /differs from sqlite:.* \(token\): remove the copy/)
  await db.run('DROP SCHEMA rescind_moving CASCADE')
  db.drop()
  assert.ok((await move(up(path, address))).digest !== undefined)
})

test('tokens of several realms keep their order, and a list that goes on misses none', async () => {
  const [address, back] = [await database(), newPath()]
  const store = await openPostgres(address, { floorMs: START_MS })
  await fillStore(store)
  const listed = async (of: Store, realm: number, after?: number): Promise<readonly string[]> =>
    (await of.tokens(realmOrdinal(realm), { after, limit: 100 })).records.map(({ handle }) => handle)
  const before = await Promise.all([1, 2, 40].map((realm) => listed(store, realm)))
  const page = await store.tokens(realmOrdinal(2), { after: undefined, limit: 2 })
  const rest = await listed(store, 2, page.next)
  await store.close()
  await move(down(address, back))
  const moved = await openSqlite(back, START_MS)
  assert.deepEqual(await Promise.all([1, 2, 40].map((realm) => listed(moved, realm))), before)
  const after = await listed(moved, 2, page.next)
  assert.ok(rest.length > 0 && rest.every((handle) => after.includes(handle)))
  const { outcomes } = await commit(moved, writeIn(HAND_REALM, put(bareToken(900))))
  assert.equal(outcomes[0]?.kind, 'applied')
  await moved.close()
})

test('a record that was moved to PostgreSQL frees its keys and lists when it is written again', async () => {
  const [path, address] = [await filled(), await database()]
  await move(up(path, address))
  const store = await openPostgres(address, { floorMs: 0 })
  const key = [{ name: 'login', value: 'ann' }]
  const freed = await commit(store, writeIn(HAND_REALM, putRecord('a', { fromVersion: 1 })))
  const taken = await commit(store, writeIn(HAND_REALM, putRecord('c', { keys: key })))
  assert.deepEqual([freed.outcomes[0]?.kind, taken.outcomes[0]?.kind], ['applied', 'applied'])
  const listed = { collection: 'things', name: 'group', value: 'g1', after: undefined, limit: 9 }
  assert.deepEqual((await store.recordsListed(HAND_REALM, listed)).records, [])
  await store.close()
})
