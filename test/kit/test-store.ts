import { join } from 'node:path'
import { after, getTestContext } from 'node:test'
import type { Store } from '@rescind/authority'
import { MemoryStore, openSqlite } from '@rescind/stores'
import { laterStore } from './later-store.ts'
import { makeQuickHome } from './server.ts'

/** `npm run test:sqlite` runs what opens its store here on the embedded one; else it is the memory store. */
export const IS_EMBEDDED: boolean = process.env['TEST_STORE'] === 'sqlite'

/** The memory store, as it would be seen behind a network when the run is about that. */
export function openMemory(floorMs: number): Store {
  const store = new MemoryStore(floorMs)
  return process.env['TEST_STORE'] === 'later' ? laterStore(store) : store
}

/** Stores that one test may have open: a property opens one for each of its cases, and goes back to none. */
const OPEN_MAX = 8

type Closing = () => Promise<void>
const closings: WeakMap<object, Closing[]> = new WeakMap()

/** A new store of the kind that this run is about, closed and removed when the test is over that opened it. */
export async function openTestStore(floorMs: number): Promise<Store> {
  if (!IS_EMBEDDED) return openMemory(floorMs)
  const home = makeQuickHome()
  const store = await openSqlite(join(home.folder, 'rescind.db'), floorMs)
  await closeAfterTest(async () => {
    await store.close()
    home.remove()
  })
  return store
}

async function closeAfterTest(close: Closing): Promise<void> {
  const context = getTestContext()
  // A hook of a file or a suite: what it opens is for all tests of it.
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
