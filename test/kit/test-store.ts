import { join } from 'node:path'
import { after, getTestContext } from 'node:test'
import type { Store } from '@rescind/authority'
import { MemoryStore, openSqlite } from '@rescind/stores'
import { Connection } from '../../stores/postgres/connection.ts'
import { openPostgres } from '../../stores/postgres/store.ts'
import { laterStore } from './later-store.ts'
import { type PostgresServer, startPostgres } from './postgres-server.ts'
import { makeQuickHome } from './server.ts'

/** `npm run test:sqlite` runs tests that open their store here on the embedded store; otherwise they use memory. */
export const IS_EMBEDDED: boolean = process.env['TEST_STORE'] === 'sqlite'

/** With TEST_STORE=postgres they use databases of a PostgreSQL that they start. */
const IS_POSTGRES = process.env['TEST_STORE'] === 'postgres'

/** The memory store, or as if behind a network in runs of that kind. */
export function openMemory(floorMs: number): Store {
  const store = new MemoryStore(floorMs)
  return process.env['TEST_STORE'] === 'later' ? laterStore(store) : store
}

/** Stores that one test may have open. A property opens one per case and does not return to earlier ones. */
const OPEN_MAX = 8

type Closing = () => Promise<void>
const closings: WeakMap<object, Closing[]> = new WeakMap()

/** A new store of this run's kind, closed and removed when the test that opened it ends. */
export async function openTestStore(floorMs: number): Promise<Store> {
  if (IS_POSTGRES) return openOnPostgres(floorMs)
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

/** A database of its own in the one server of this process. */
async function openOnPostgres(floorMs: number): Promise<Store> {
  // Asked before the first await: afterwards it may be the test that opened the server.
  const context = getTestContext()
  server ??= startForProcess()
  const { address } = await server
  databases += 1
  const database = `${address.database}_${databases}`
  const admin = await Connection.open(address)
  await admin.run(`CREATE DATABASE ${database}`)
  admin.drop()
  const store = await openPostgres({ ...address, database }, { floorMs })
  await closeAfterTest(() => store.close(), context)
  return store
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
