import assert from 'node:assert/strict'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { StoreRefused, StoreUnavailable } from '@rescind/core'
import { append, commit, write } from '../contract/samples.ts'
import { backupSqlite } from './backup.ts'
import { type OpenSqlite, openSqlite } from './store.ts'

type Opened = Awaited<ReturnType<typeof openSqlite>>
type Seen = Pick<Opened, 'joined' | 'left'>

/** A store, `s.db`, and the files used as its side log. */
class Site {
  readonly #folder: string

  constructor(t: TestContext) {
    this.#folder = mkdtempSync(join(tmpdir(), 'rescind-side-'))
    t.after(() => rmSync(this.#folder, { recursive: true }))
  }

  path(name: string): string {
    return join(this.#folder, name)
  }

  /** Opens the store, writes that many rows, and closes it in order. */
  async run(sideLog: OpenSqlite['sideLog'], rows = 1, name = 's.db'): Promise<Seen> {
    const store = await openSqlite(this.path(name), 1_000, { sideLog })
    const { joined, left } = store
    for (let row = 0; row < rows; row += 1) await commit(store, write(append()))
    await store.close()
    return { joined, left }
  }

  file(name: string): { readonly path: string; readonly salvage: false } {
    return { path: this.path(name), salvage: false }
  }

  async backup(name: string): Promise<void> {
    await backupSqlite(this.path('s.db'), this.path(name))
  }

  /** What a restore of a backup with a side log finds. */
  async restore(backup: string, side: string): Promise<Seen['joined']> {
    const copy = `${backup}.restored`
    copyFileSync(this.path(backup), this.path(copy))
    const { joined } = await this.run({ path: this.path(side), salvage: true }, 0, copy)
    return joined
  }
}

const refused =
  (why: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof StoreRefused)
    assert.match(error.message, why)
    return true
  }

// A side log that looks complete although its store went on without it.
describe('[W63] a store that has had a side log', () => {
  it('does not open without it, and the file stays as it is', async (t) => {
    const site = new Site(t)
    await site.run(site.file('a.side'))
    const before = readFileSync(site.path('a.side'))
    await assert.rejects(site.run(undefined), refused(/this store has the side log .*a\.side: give it with/))
    assert.deepEqual(readFileSync(site.path('a.side')), before)
    assert.equal((await site.run(site.file('a.side'))).joined?.kind, 'whole')
  })

  it('abandons it when told to, and from then on the old file proves nothing', async (t) => {
    const site = new Site(t)
    await site.run(site.file('a.side'))
    await site.backup('b.db')
    assert.deepEqual((await site.run('off')).left, { path: site.path('a.side'), marked: true })
    assert.equal((await site.run('off')).left, undefined)
    await site.run(undefined)
    const joined = await site.restore('b.db', 'a.side')
    assert.deepEqual([joined?.kind, joined?.closed], ['gap', false])
  })

  it('abandons it without a new row, and it still proves nothing', async (t) => {
    const site = new Site(t)
    await site.run(site.file('a.side'))
    await site.backup('b.db')
    await site.run('off', 0)
    assert.equal((await site.restore('b.db', 'a.side'))?.kind, 'gap')
  })

  it('takes another file instead only if the previous one can be marked', async (t) => {
    const site = new Site(t)
    await site.run(site.file('a.side'))
    await site.backup('b.db')
    assert.deepEqual((await site.run(site.file('c.side'))).left, { path: site.path('a.side'), marked: true })
    await assert.rejects(site.run(undefined), refused(/c\.side/))
    assert.equal((await site.restore('b.db', 'a.side'))?.kind, 'gap')
    await site.backup('d.db')
    await site.run(site.file('c.side'))
    assert.deepEqual(await site.restore('d.db', 'c.side'), { kind: 'whole', carried: 1, closed: true })
  })

  it('does not begin again after the file was moved away, under its name or another one', async (t) => {
    const site = new Site(t)
    await site.run(site.file('a.side'))
    renameSync(site.path('a.side'), site.path('moved.side'))
    for (const name of ['a.side', 'c.side'])
      await assert.rejects(site.run(site.file(name)), refused(/a\.side, is missing: bring it back/))
    assert.equal(existsSync(site.path('a.side')), false)
    assert.deepEqual((await site.run('off')).left, { path: site.path('a.side'), marked: false })
    assert.equal((await site.run(site.file('a.side'))).joined?.kind, 'started')
  })

  it('begins again with a file that it had abandoned: backups from then on are carried forward, earlier ones are not', async (t) => {
    const site = new Site(t)
    await site.run(site.file('a.side'))
    await site.backup('before.db')
    await site.run('off')
    assert.equal((await site.run(site.file('a.side'))).joined?.kind, 'gap')
    await site.backup('after.db')
    await site.run(site.file('a.side'))
    const side = readFileSync(site.path('a.side'))
    assert.deepEqual(await site.restore('after.db', 'a.side'), { kind: 'whole', carried: 1, closed: true })
    assert.ok(side.length > 0)
    copyFileSync(site.path('a.side'), site.path('again.side'))
    assert.equal((await site.restore('before.db', 'again.side'))?.kind, 'gap')
  })

  it('can be checked, and its backup restored, without the side log, and the live store’s file is not touched', async (t) => {
    const site = new Site(t)
    await site.run(site.file('a.side'))
    await site.backup('b.db')
    const before = readFileSync(site.path('a.side'))
    await site.run('unread', 0)
    assert.deepEqual((await site.run('restored', 1, 'b.db')).left, {
      path: site.path('a.side'),
      marked: false,
    })
    await site.run(undefined, 1, 'b.db')
    assert.deepEqual(readFileSync(site.path('a.side')), before)
    await assert.rejects(site.run(undefined), refused(/a\.side/))
  })

  it('abandons a file that was altered, or is no side log any more, without a mark', async (t) => {
    const site = new Site(t)
    await site.run(site.file('a.side'))
    copyFileSync(site.path('s.db'), site.path('a.side'))
    chmodSync(site.path('a.side'), 0o600)
    assert.equal((await site.run('off')).left?.marked, false)
  })
})

// A missing side log, which refuses a start, found while the store is served. It was not an outage, so `/readyz` was 500.
describe('[W63] a side log that disappears while the store is served', () => {
  for (const [what, spoil] of [
    ['is moved away', (path: string) => renameSync(path, `${path}.moved`)],
    ['is another file', (path: string) => writeFileSync(path, 'another', { mode: 0o600 })],
  ] as const)
    it(`is an outage when it ${what}, until it is back`, async (t) => {
      const site = new Site(t)
      const store = await openSqlite(site.path('s.db'), 1_000, { sideLog: site.file('side') })
      await commit(store, write(append()))
      copyFileSync(site.path('side'), site.path('kept'))
      spoil(site.path('side'))
      await assert.rejects(store.reopen(), StoreUnavailable)
      renameSync(site.path('kept'), site.path('side'))
      await store.reopen()
      await commit(store, write(append()))
      await store.close()
    })
})
