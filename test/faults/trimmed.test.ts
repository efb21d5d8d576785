import assert from 'node:assert/strict'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { LogTrim, type Realm, Realms } from '@rescind/authority'
import { KEEP_FOREVER_MS, mintHandle, tokenDigest } from '@rescind/core'
import type { Rule } from '@rescind/core/log'
import { checkStore } from '@rescind/server'
import { openSqlite } from '@rescind/stores'
import { HandClock, MASTER, START_MS } from '../kit/realm.ts'
import { SeededRandom } from '../kit/seeded-random.ts'
import { makeHome } from '../kit/server.ts'

const YEAR_MS = 365 * 86_400_000
const AUDIT = { by: 'test', from: 'local', how: 'test' }

class Site {
  readonly folder: string
  readonly #clock = new HandClock()

  constructor(t: TestContext) {
    const home = makeHome()
    this.folder = home.folder
    t.after(() => home.remove())
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  /** Runs a server's core on the store, with its side log. @returns the result of `act`. */
  async live<T>(act: (realm: Realm, realms: Realms) => Promise<T>): Promise<T> {
    const store = await openSqlite(this.path('s.db'), START_MS, {
      sideLog: { path: this.path('s.side'), salvage: false },
    })
    try {
      const random = new SeededRandom('trimmed')
      const realms = await Realms.open({
        store,
        clock: this.#clock,
        master: MASTER,
        random,
        defer: setImmediate,
      })
      const done = await act(realms.default, realms)
      await realms.ledger.close()
      return done
    } finally {
      await store.close()
    }
  }

  async trim(): Promise<number> {
    return this.live(async (realm, realms) => {
      const forget = { kind: 'forget-audit', fromSeq: 1, throughSeq: realm.index.seq } as const
      await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations: [forget] })
      this.#clock.advance(YEAR_MS)
      realms.ledger.raiseFloor(this.#clock.wallMs())
      await realms.ledger.settleFloor()
      const trim = new LogTrim({ realm, auditRetentionMs: 0, rowsMin: 1 })
      while (await trim.step());
      return (await realm.store.anchor(realm.ordinal)).seq
    })
  }

  /** The verdict of `rescind audit verify` on the default realm. */
  async verify(): Promise<string> {
    const store = await openSqlite(this.path('s.db'), 0, { sideLog: 'unread' })
    try {
      for await (const checked of checkStore({ store, master: MASTER, positions: [] })) {
        if (checked.realm !== 'default') continue
        return checked.kind === 'right'
          ? `right: ${checked.rows}`
          : checked.kind === 'wrong'
            ? checked.fault.what
            : checked.why
      }
      return 'no such realm'
    } finally {
      await store.close()
    }
  }

  sql(text: string): void {
    const db = new DatabaseSync(this.path('s.db'))
    db.exec(text)
    db.close()
  }

  copy(from: string, to: string): void {
    for (const end of ['', '-wal', '-shm']) {
      rmSync(this.path(`${to}${end}`), { force: true })
      try {
        cpSync(this.path(`${from}${end}`), this.path(`${to}${end}`))
      } catch {
        // A closed store has no write-ahead log.
      }
    }
  }
}

async function write(realm: Realm, rules: readonly Rule[]): Promise<void> {
  const operations = rules.map((rule) => ({ kind: 'append', row: realm.row(rule, AUDIT) }) as const)
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
}

const CHANGES: readonly Rule[] = Array.from({ length: 700 }, (_, nth) => ({
  kind: 'change',
  collection: 'things',
  id: `${nth}`,
  version: 1,
}))

/** A rule that is kept forever, after many rows that are not. */
async function fill(site: Site): Promise<void> {
  await site.live(async (realm) => {
    const target = {
      kind: 'token',
      source: 'chat/acme',
      digest: tokenDigest('A'.repeat(43)),
      handle: mintHandle(realm.random),
    } as const
    await write(realm, [{ kind: 'revoke', target, keepUntilMs: KEEP_FOREVER_MS }])
    await write(realm, CHANGES)
  })
}

test('a trimmed store is verified from its anchor, and changes to its beginning are found', async (t) => {
  const site = new Site(t)
  await fill(site)
  const anchor = await site.trim()
  assert.ok(anchor > CHANGES.length)
  assert.equal(await site.verify(), 'right: 1')
  site.copy('s.db', 'right.db')
  const attacks: readonly (readonly [sql: string, found: string])[] = [
    ['UPDATE log_kept SET rule = zeroblob(80) WHERE kind = 1', 'anchor-altered'],
    ['DELETE FROM log_kept WHERE kind = 1', 'anchor-altered'],
    [`UPDATE log_anchor SET chain = zeroblob(32) WHERE realm = 1`, 'anchor-altered'],
    ['DELETE FROM log_anchor WHERE realm = 1', 'anchor-altered'],
    ["DELETE FROM memo WHERE kind = 'log-anchor'", 'anchor-altered'],
    ['UPDATE log SET at = at + 1 WHERE id > 1099511627776', 'altered'],
  ]
  for (const [sql, found] of attacks) {
    site.sql(sql)
    assert.equal(await site.verify(), found, sql)
    site.copy('right.db', 's.db')
  }
  assert.equal(await site.verify(), 'right: 1')
})

test('a backup from before the log was trimmed is carried on by the side log, trims included', async (t) => {
  const site = new Site(t)
  await fill(site)
  site.copy('s.db', 'backup.db')
  const anchor = await site.trim()
  await site.live((realm) => write(realm, CHANGES.slice(0, 9)))
  const seq = await site.live(async (realm) => realm.index.seq)
  assert.equal(await site.verify(), 'right: 10')
  site.copy('backup.db', 's.db')
  const restored = await site.live(async ({ store, ordinal, index }) => {
    assert.equal(index.ended.size, 2, 'what was revoked for good is known')
    return [(await store.anchor(ordinal)).seq, index.seq]
  })
  assert.deepEqual(restored, [anchor, seq])
  assert.equal(await site.verify(), 'right: 10')
})

test('a trimmed store and its side log fit when they are opened again, and so does a backup of it', async (t) => {
  const site = new Site(t)
  await fill(site)
  const anchor = await site.trim()
  site.copy('s.db', 'backup.db')
  await site.live((realm) => write(realm, CHANGES.slice(0, 3)))
  site.copy('backup.db', 's.db')
  const found = await site.live(async ({ store, ordinal, index }) => [
    (await store.anchor(ordinal)).seq,
    index.seq - anchor,
  ])
  assert.deepEqual(found, [anchor, 4])
  assert.equal(await site.verify(), 'right: 4')
})
