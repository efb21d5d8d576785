import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeContract } from '../contract/suite.ts'
import { openSqlite } from './store.ts'

storeContract(
  'SqliteStore',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rescind-sqlite-'))
    const path = join(folder, 'rescind.db')
    let store = await openSqlite(path, 1_000)
    return {
      store,
      reopen: async () => {
        await store.close()
        store = await openSqlite(path, 1_000)
        return store
      },
      destroy: async () => {
        await store.close()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  },
  { durable: true },
)
