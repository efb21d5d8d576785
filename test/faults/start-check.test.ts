import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { LogTrim, Realms, revokeToken } from '@rescind/authority'
import { StoreRefused } from '@rescind/core'
import { openSqlite } from '@rescind/stores'
import { actOf, issue, rawOf } from '../kit/acts.ts'
import { HandClock, MASTER, START_MS } from '../kit/realm.ts'
import { SeededRandom } from '../kit/seeded-random.ts'
import { makeHome } from '../kit/server.ts'

/** [W65] One flipped bit in a row at rest let a revoked token in, because the start folded the row unchecked. */

const DAY_MS = 86_400_000
/** The id of the default realm's first row. */
const FIRST = 2 ** 40
const ROWS = 30

function openRealms(store: Awaited<ReturnType<typeof openSqlite>>, clock = new HandClock()): Promise<Realms> {
  return Realms.open({ store, clock, master: MASTER, random: new SeededRandom('w65'), defer: queueMicrotask })
}

describe('[W65] a start checks the log that it folds', () => {
  const home = makeHome()
  const trimmed = makeHome()

  before(async () => {
    for (const { folder } of [home, trimmed]) {
      const store = await openSqlite(join(folder, 'rescind.db'), START_MS)
      const clock = new HandClock()
      const realms = await openRealms(store, clock)
      const realm = realms.default
      for (let nth = 0; nth < ROWS; nth += 1)
        await revokeToken(realm, await issue(realm, `text ${nth}`), actOf(realm))
      if (folder === trimmed.folder) {
        const assigned = { kind: 'assigned', source: 'chat/acme' } as const
        await revokeToken(realm, await issue(realm, 'chosen', assigned), actOf(realm))
        await revokeToken(realm, await issue(realm, 'last'), actOf(realm))
        const forget = { kind: 'forget-audit', fromSeq: 1, throughSeq: realm.index.seq } as const
        await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations: [forget] })
        clock.advance(20 * DAY_MS)
        realms.ledger.raiseFloor(clock.wallMs())
        await realms.ledger.settleFloor()
        const trim = new LogTrim({ realm, auditRetentionMs: 0, rowsMin: 1 })
        while (await trim.step());
      }
      await store.close()
    }
  })

  after(() => {
    home.remove()
    trimmed.remove()
  })

  /** A start's verdict on a copy of a store that was modified. */
  async function started(from: string, sql: string): Promise<string> {
    const copy = makeHome()
    cpSync(from, copy.folder, { recursive: true })
    const path = join(copy.folder, 'rescind.db')
    const db = new DatabaseSync(path)
    db.exec(sql)
    db.close()
    const store = await openSqlite(path, START_MS)
    try {
      const realms = await openRealms(store)
      const { verdict } = await realms.default.find(rawOf('text 3'))
      return verdict.kind === 'inactive' ? verdict.why : verdict.kind
    } catch (error) {
      if (error instanceof StoreRefused) return error.message
      throw error
    } finally {
      await store.close()
      copy.remove()
    }
  }

  test('an untouched store starts', async () => {
    assert.equal(await started(home.folder, 'SELECT 1'), 'revoked')
    assert.equal(await started(trimmed.folder, 'SELECT 1'), 'expired')
  })

  test('a realm that is opened later is out of order alone', async () => {
    const own = makeHome()
    const path = join(own.folder, 'rescind.db')
    const first = await openSqlite(path, START_MS)
    await (await openRealms(first)).create('other', { by: 'test', from: 'local', how: 'test' })
    await first.close()
    const db = new DatabaseSync(path)
    db.exec(`UPDATE log SET at = at + 1 WHERE id > ${2 * FIRST} AND id < ${3 * FIRST}`)
    db.close()
    const store = await openSqlite(path, START_MS)
    const realms = await Realms.open({
      ...{ store, clock: new HandClock(), master: MASTER, random: new SeededRandom('w65') },
      ...{ defer: queueMicrotask, lazily: true },
    })
    const realm = await realms.get('other')
    assert.ok(realm !== undefined)
    assert.match(realms.whyNotIn(realm) ?? '', /row 1 of its log is not as it was written/)
    assert.equal(realms.whyNotIn(realms.default), undefined)
    await store.close()
    own.remove()
  })

  const row = FIRST + 5
  const flipped = (column: string, at: number): string => {
    const [before, behind] = [`substr(hex(${column}), 1, ${2 * at})`, `substr(hex(${column}), ${2 * at + 3})`]
    return `UPDATE log SET ${column} = unhex(${before} || 'BE' || ${behind}) WHERE id = ${row}`
  }

  for (const [what, sql, says] of [
    ['a bit of the digest in a revocation', flipped('rule', 12), /row 5 of its log is not as it was written/],
    ['its keep', flipped('rule', 3), /row 5 .* not as it was written/],
    ['its chain value', flipped('chain', 3), /row 5 .* not as it was written/],
    ['its time', `UPDATE log SET at = at + 1 WHERE id = ${row}`, /row 5 .* not as it was written/],
    ['its kind', `UPDATE log SET kind = 3 WHERE id = ${row}`, /row 5 .* not as it was written/],
    ['a kind that is none', `UPDATE log SET kind = -1 WHERE id = ${row}`, /row 5 .* not as it was written/],
    ['its audit', flipped('audit', 4), /row 5 .* not as it was written/],
    ['a row that was taken out', `DELETE FROM log WHERE id = ${row}`, /row 5 of its log is missing/],
    ['the first rows', `DELETE FROM log WHERE id BETWEEN ${FIRST} AND ${row}`, /row 1 of its log is missing/],
  ] as const) {
    test(`${what}: it refuses, with the row and what to do`, async () => {
      const said = await started(home.folder, sql)
      assert.match(said, says)
      assert.match(said, /^the realm default: .*rescind audit verify.*rescind restore/)
    })
  }

  for (const [what, sql] of [
    ['a rule that was kept of a trimmed row', 'UPDATE log_kept SET rule = zeroblob(80) WHERE kind = 1'],
    ['such a rule that is gone', 'DELETE FROM log_kept WHERE kind = 1'],
    ['the anchor', 'UPDATE log_anchor SET seq = seq - 1 WHERE realm = 1'],
  ] as const) {
    test(`${what}: it refuses, too`, async () => {
      assert.match(await started(trimmed.folder, sql), /are not those that the server kept.*rescind restore/)
    })
  }
})
