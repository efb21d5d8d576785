import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Store } from '@rescind/authority'
import { MemoryStore, openSqlite } from '@rescind/stores'
import { START_MS } from './realm.ts'
import { makeQuickHome } from './server.ts'

/** Runs one case on each kind of store. */
export function onBothStores(name: string, run: (store: Store, t: TestContext) => Promise<void>): void {
  test(`${name} (memory)`, async (t) => run(new MemoryStore(START_MS), t))
  test(`${name} (SQLite)`, async (t) => {
    const home = makeQuickHome()
    const store = await openSqlite(join(home.folder, 'rescind.db'), START_MS)
    t.after(async () => {
      await store.close()
      home.remove()
    })
    await run(store, t)
  })
}
