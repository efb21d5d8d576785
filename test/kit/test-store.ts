import { join } from 'node:path'
import { after, getTestContext } from 'node:test'
import type { Store } from '@rescind/authority'
import type { Clock } from '@rescind/core'
import { MemoryStore, openSqlite } from '@rescind/stores'
import { Connection, type PostgresAddress } from '../../stores/postgres/connection.ts'
import { openPostgres } from '../../stores/postgres/store.ts'
import { laterStore } from './later-store.ts'
import { emptyStore } from './postgres-nodes.ts'
import { type PostgresServer, startPostgres } from './postgres-server.ts'
import { makeQuickHome } from './server.ts'

/** With TEST_STORE=sqlite tests that open their store here use the embedded store; without it, memory. */
export const IS_EMBEDDED: boolean = process.env['TEST_STORE'] === 'sqlite'

/** With TEST_STORE=postgres they use databases of a PostgreSQL that they start. */
export const IS_POSTGRES: boolean = process.env['TEST_STORE'] === 'postgres'

/** The memory store, or as if behind a network in runs of that kind. */
export function openMemory(floorMs: number): Store {
  const store = new MemoryStore(floorMs)
  return process.env['TEST_STORE'] === 'later' ? laterStore(store) : store
}

/** Stores that one test may have open. A property opens one per case and does not return to earlier ones. */
const OPEN_MAX = 8

type Closing = () => Promise<void>
const closings: WeakMap<object, Closing[]> = new WeakMap()

/**
 * A new store of this run's kind, closed and removed when the test that opened it ends.
 * @param clock a database's, too; absent: it has its own.
 */
export async function openTestStore(floorMs: number, clock?: Clock): Promise<Store> {
  if (IS_POSTGRES) return openOnPostgres(floorMs, clock)
  if (!IS_EMBEDDED) return openMemory(floorMs)
  const home = makeQuickHome()
  const store = await openSqlite(join(home.folder, 'rescind.db'), floorMs)
  await closeAfterTest(async () => {
    await store.close()
    home.remove()
  })
  return store
}

let server: Promise<PostgresServer> | undefined
let databases = 0
/** Databases whose stores are closed. Emptying one is much quicker than making one. */
const free: PostgresAddress[] = []

async function openOnPostgres(floorMs: number, clock?: Clock): Promise<Store> {
  // Asked before the first await: afterwards it may be the test that opened the server.
  const context = getTestContext()
  const store = await openDatabase(floorMs, clock)
  await closeAfterTest(() => store.close(), context)
  return store
}

/**
 * An empty store in a database of its own in the one server of this process.
 * @param clock the database's, too, as of each commit; absent: it has its own.
 */
export async function openDatabase(floorMs: number, clock?: Clock): Promise<Store> {
  server ??= startForProcess()
  const used = free.pop()
  const address = used ?? (await newDatabase((await server).address))
  await emptyStore(address, floorMs)
  const admin = await Connection.open(address)
  const settle = async (): Promise<void> => {
    if (clock !== undefined) await admin.rows(SET_CLOCK, [clock.wallMs()])
  }
  await settle()
  const store = await openPostgres(address, { floorMs })
  const [commit, close] = [store.commit.bind(store), store.close.bind(store)]
  store.commit = async (group) => {
    await settle()
    return await commit(group)
  }
  store.close = async () => {
    await close()
    admin.drop()
    free.push(address)
  }
  return store
}

/** A clock that stands where a test has set it, and runs where none has. */
const HAND_CLOCK = `CREATE TABLE rescind.hand_clock (one boolean PRIMARY KEY, ms bigint NOT NULL);
  CREATE FUNCTION rescind.clock_1() RETURNS bigint LANGUAGE sql VOLATILE AS $clock$
    SELECT coalesce((SELECT ms FROM rescind.hand_clock), floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
  $clock$;`
const SET_CLOCK =
  'INSERT INTO rescind.hand_clock VALUES (true, $1) ON CONFLICT (one) DO UPDATE SET ms = excluded.ms'

async function newDatabase(address: PostgresAddress): Promise<PostgresAddress> {
  databases += 1
  const database = `${address.database}_${databases}`
  const admin = await Connection.open(address)
  await admin.run(`CREATE DATABASE ${database}`)
  admin.drop()
  const own = { ...address, database }
  const inside = await Connection.open(own)
  await inside.run(`CREATE SCHEMA IF NOT EXISTS rescind; ${HAND_CLOCK}`)
  inside.drop()
  return own
}

async function startForProcess(): Promise<PostgresServer> {
  const started = await startPostgres()
  process.once('exit', () => started.abandon())
  return started
}

async function closeAfterTest(close: Closing, context = getTestContext()): Promise<void> {
  // A hook of a file or suite: its stores serve all tests of it.
  if (context === undefined || !('after' in context)) return after(close)
  const open = closings.get(context) ?? []
  if (open.length === 0) {
    closings.set(context, open)
    context.after(async () => {
      for (const one of open) await one()
    })
  }
  open.push(close)
  if (open.length > OPEN_MAX) await open.shift()?.()
}
