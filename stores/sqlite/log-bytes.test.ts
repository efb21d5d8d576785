import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { realmOrdinal } from '@rescind/core'
import fc from 'fast-check'
import { decodeRows, LOG_PAGE_SQL, logPage } from './log-bytes.ts'
import { logId } from './log-id.ts'
import { migrate } from './schema.ts'

const REALM = realmOrdinal(3)
/** Bytes that could end or separate a text, bytes that are not UTF-8, and no bytes. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 90 }),
  fc.constantFrom(Uint8Array.of(), Uint8Array.of(0), Uint8Array.of(0x2c), Uint8Array.of(0xff, 0xc3, 0)),
)
/** Instants that a Date can hold; a row with another one is refused, see the contract. */
const INSTANT_MAX_MS = 8_640_000_000_000_000
const instant = fc.integer({ min: -INSTANT_MAX_MS, max: INSTANT_MAX_MS })
const row = fc.record({ atMs: instant, kind: fc.nat(255), rule: bytes })

test('rows with arbitrary bytes pass through a page unchanged', () => {
  const property = fc.property(
    fc.array(row, { maxLength: 40 }),
    fc.nat(40),
    fc.nat(40),
    (rows, after, limit) => {
      const db = new DatabaseSync(':memory:')
      migrate(db, 0)
      const insert = db.prepare(
        "INSERT INTO log (id, at, kind, rule, audit, chain) VALUES (?, ?, ?, ?, x'', x'')",
      )
      for (const [at, { atMs, kind, rule }] of rows.entries())
        insert.run(logId(REALM, at + 1), atMs, kind, rule)
      const page = db.prepare(LOG_PAGE_SQL)
      page.setReturnArrays(true)
      const columns = page.get(logId(REALM, after), logId(realmOrdinal(REALM + 1), 0), limit) as unknown
      const read = decodeRows(logPage(columns as Parameters<typeof logPage>[0]), logId(REALM, after))
      const expected = rows.map((one, at) => ({ seq: at + 1, ...one })).slice(after, after + limit)
      assert.deepEqual(
        read.map((one) => ({ ...one, rule: Uint8Array.from(one.rule) })),
        expected,
      )
      db.close()
    },
  )
  fc.assert(property, { numRuns: 200 })
})
