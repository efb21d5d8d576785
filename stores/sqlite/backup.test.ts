import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import type { Store } from '@rescind/authority'
import { StoreRefused } from '@rescind/core'
import { append, commit, putRecord, write } from '../contract/samples.ts'
import { backupSqlite } from './backup.ts'
import { openSqlite } from './store.ts'

const GROUP_WRITES = 64
/** Groups of a megabyte each. */
const GROUPS = 80

type Site = { readonly folder: string; readonly path: string; readonly store: Store }

async function siteOf(t: TestContext, groups = GROUPS): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-backup-'))
  const path = join(folder, 'rescind.db')
  const store = await openSqlite(path, 1_000)
  t.after(async () => {
    await store.close()
    rmSync(folder, { recursive: true })
  })
  for (let group = 0; group < groups; group += 1) {
    const writes = Array.from({ length: GROUP_WRITES }, (_, at) =>
      write(putRecord(`record ${group} ${at}`, { body: `"${'b'.repeat(16_000)}"` })),
    )
    await commit(store, ...writes)
  }
  return { folder, path, store }
}

/** Seqs in the log; rows are appended one after another during the copy. */
function rowsIn(path: string): readonly number[] {
  const db = new DatabaseSync(path, { readOnly: true })
  const rows = db.prepare('SELECT id % 1099511627776 AS seq FROM log ORDER BY id').all()
  db.close()
  return rows.map(({ seq }) => Number(seq))
}

describe('[W60] a backup of a store under constant writes', () => {
  it('is one pass over the store, and holds its state at the beginning', async (t) => {
    const { folder, path, store } = await siteOf(t)
    await commit(store, write(append()), write(append()))
    let [isOver, written, steps] = [false, 0, 0]
    const writing = (async () => {
      while (!isOver) {
        await commit(store, write(append()))
        written += 1
      }
    })()
    let last = -1
    const copy = join(folder, 'copy.db')
    await backupSqlite(path, copy, {
      onProgress: (copied, total) => {
        steps += 1
        assert.ok(copied > last && copied <= total, 'a copy never begins again')
        last = copied
      },
    })
    isOver = true
    await writing
    const rows = rowsIn(copy)
    assert.deepEqual(
      rows,
      rows.map((_, at) => at + 1),
    )
    assert.ok(rows.length >= 2)
    assert.ok(written > steps, `only ${written} writes came in ${steps} steps`)
    assert.ok(rows.length < rowsIn(path).length, 'what was written since is not in it')
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('copy.')),
      ['copy.db'],
    )
  })

  it('gives up and leaves nothing when the write-ahead log grows beyond its bound', async (t) => {
    const { folder, path, store } = await siteOf(t, 30)
    const large = (): ReturnType<typeof write> => write(append({ audit: `"${'a'.repeat(60_000)}"` }))
    let isOver = false
    const writing = (async () => {
      while (!isOver) await commit(store, ...Array.from({ length: 8 }, large))
    })()
    const copy = join(folder, 'copy.db')
    const failing = backupSqlite(path, copy, { logMaxBytes: -1 })
    await assert.rejects(failing, (error) => {
      assert.ok(error instanceof StoreRefused)
      assert.match(error.message, /-wal grew by more than -1 bytes during the copy/)
      return true
    })
    isOver = true
    await writing
    assert.equal(existsSync(copy) || existsSync(`${copy}.partial`), false)
  })

  it('reports in one line why it cannot be made, and leaves nothing', async (t) => {
    const { folder, path } = await siteOf(t, 1)
    const nowhere = join(folder, 'none', 'copy.db')
    await assert.rejects(backupSqlite(path, nowhere), (error) => {
      assert.ok(error instanceof StoreRefused)
      assert.match(error.message, /could not be copied to .*: ENOENT/)
      return true
    })
    assert.deepEqual(
      readdirSync(folder).filter((name) => !name.startsWith('rescind.db')),
      [],
    )
  })
})
