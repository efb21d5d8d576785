import assert from 'node:assert/strict'
import { appendFileSync, copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ORIGIN, realmOrdinal, StoreRefused } from '@rescind/core'
import {
  decodeRule,
  encodeRule,
  ROW_KIND_NAMES,
  ROW_KINDS,
  type RowKind,
  type Rule,
  rowKindOfCode,
} from '@rescind/core/log'
import { makeHome } from '../../test/kit/server.ts'
import { encodeWrites, sideLine } from './side-lines.ts'
import { openSqlite } from './store.ts'

const REALM = realmOrdinal(1)
const DIGEST_KEY = 'k'.repeat(43)
const KEY = { kind: 'key', keyId: 'k' } as const
/** An added kind does not compile until it has an example here. */
const RULES: { readonly [K in RowKind]: Extract<Rule, { readonly kind: K }> } = {
  revoke: { kind: 'revoke', target: KEY, keepUntilMs: 9e12 },
  hold: { kind: 'hold', id: 'hld_2', target: KEY },
  release: { kind: 'release', id: 'hld_1' },
  change: { kind: 'change', collection: 'things', id: 'one', version: 2 },
  epoch: { kind: 'epoch', ordinal: 2, epochId: 'e'.repeat(22), lostBelow: ORIGIN },
}

/** A backup, and a side log whose last line has one row that the backup lacks. `fits`: it follows the backup's last row. */
class Site {
  readonly #folder: string

  constructor(t: TestContext) {
    const home = makeHome()
    this.#folder = home.folder
    t.after(() => home.remove())
  }

  path(name: string): string {
    return join(this.#folder, name)
  }

  async make(row: { readonly code: number; readonly rule: Rule }, fits: boolean): Promise<void> {
    const store = await openSqlite(this.path('s.db'), 0, {
      sideLog: { path: this.path('s.side'), salvage: false },
    })
    const first = { atMs: 1, rule: RULES.change, bytes: encodeRule(RULES.change, DIGEST_KEY), audit: '{}' }
    const write = {
      realm: REALM,
      dependsOn: [],
      expects: [],
      operations: [{ kind: 'append', row: first }],
    } as const
    await store.commit({ writes: [write], floorMs: 0 })
    const head = await store.head(REALM)
    await store.close()
    copyFileSync(this.path('s.db'), this.path('backup.db'))
    const hash = readFileSync(this.path('s.side'), 'utf8').trimEnd().split('\n').at(-1)?.slice(0, 43) ?? ''
    const rule = encodeRule(row.rule, DIGEST_KEY)
    const append = { kind: 'append', at: 2, row: row.code, rule, audit: Buffer.from('{}') } as const
    const operations = encodeWrites([{ realm: REALM, expects: [], operations: [append] }])
    const from = [
      { realm: REALM, seq: fits ? head.seq : head.seq + 5, chain: head.chain.toString('base64url') },
    ]
    const to = [{ realm: REALM, seq: head.seq + 6, chain: 'a'.repeat(43) }]
    const { text } = sideLine(hash, { frame: { kind: 'group', floorMs: 0, from, to }, operations })
    appendFileSync(this.path('s.side'), text)
  }

  /** @returns the rules that a restore finds in the log after the backup's own row. */
  async salvage(): Promise<readonly Rule[]> {
    const store = await openSqlite(this.path('backup.db'), 0, {
      sideLog: { path: this.path('s.side'), salvage: true },
    })
    const rows = await store.rowsAfter(REALM, 1, 10)
    await store.close()
    return rows.map((row) => decodeRule(row))
  }
}

for (const kind of ROW_KIND_NAMES) {
  const { code, isSalvaged } = ROW_KINDS[kind]
  test(`a row of the kind ${kind} is ${isSalvaged ? '' : 'not '}carried over from a side log that does not match`, async (t) => {
    const site = new Site(t)
    await site.make({ code, rule: RULES[kind] }, false)
    assert.deepEqual(await site.salvage(), isSalvaged ? [RULES[kind]] : [])
  })
}

for (const fits of [false, true]) {
  const how = fits ? 'continues the backup' : 'does not fit it'
  test(`a row of an unknown kind is refused, never left out, in a side log that ${how}`, async (t) => {
    for (const code of [0, 6, 255]) {
      assert.equal(rowKindOfCode(code), undefined)
      const site = new Site(t)
      await site.make({ code, rule: RULES.revoke }, fits)
      await assert.rejects(site.salvage(), StoreRefused)
    }
  })
}
