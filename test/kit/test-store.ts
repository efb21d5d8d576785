import { join } from 'node:path'
import { after, getTestContext } from 'node:test'
import type { Store } from '@rescind/authority'
import { MemoryStore, openSqlite } from '@rescind/stores'
import { laterStore } from './later-store.ts'
import { makeQuickHome } from './server.ts'

/** `npm run test:sqlite` runs tests that open their store here on the embedded store; otherwise they use memory. */
export const IS_EMBEDDED: boolean = process.env['TEST_STORE'] === 'sqlite'

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
