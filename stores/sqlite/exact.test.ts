import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { type Store, storedKind } from '@rescind/authority'
import { ContractBroken, NotReadable, ORIGIN, StoreRefused } from '@rescind/core'
import { makeQuickHome } from '../../test/kit/server.ts'
import {
  append,
  applied,
  bareToken,
  commit,
  digestAt,
  forget,
  handleAt,
  NOW_MS,
  put,
  putRecord,
  REALM,
  SOURCE,
  write,
} from '../contract/samples.ts'
import { openSqlite } from './store.ts'

// A stored integer beyond what JavaScript can represent. The read throws at it, and used to lose every row of the same step:
// a page of a list, a group that commits, or the start.

const BEYOND = ['9223372036854775807', '-9007199254740993']
const CLIENT = 'u1'
const ENTRY = { kind: storedKind('notes'), expiresAtMs: NOW_MS, value: Buffer.from('{}') }
const ALL = { after: undefined, limit: 100 }

/** Three of each item; each case concerns number 1. */
async function fill(store: Store): Promise<void> {
  for (const number of [1, 2, 3]) {
    await commit(
      store,
      write(
        put(bareToken(number, { client: CLIENT, sealed: Buffer.from('s') })),
        putRecord(`r${number}`, {
          keys: [{ name: 'name', value: `k${number}` }],
          lists: [{ name: 'all', value: 'x' }],
        }),
        { kind: 'put-expiring', entry: { ...ENTRY, id: `m${number}` } },
        append(),
      ),
    )
  }
}

type Case = {
  readonly sql: string
  /** What becomes unreadable: the token, the record, the entry, or nothing. */
  readonly lost?: 'unreadable token' | 'unknown token' | 'record' | 'memo'
  readonly check?: (store: Store) => Promise<void>
}

const FIRST = 'WHERE id = (SELECT min(id) FROM token)'
const CASES: Readonly<Record<string, Case>> = {
  'the expiry of a token': { sql: `UPDATE token SET expires_at = ? ${FIRST}`, lost: 'unreadable token' },
  'the instant of its extension': {
    sql: `UPDATE token SET extended_at = ? ${FIRST}`,
    lost: 'unreadable token',
  },
  'the realm of a token': { sql: `UPDATE token SET realm = ? ${FIRST}`, lost: 'unknown token' },
  'the row of a token': { sql: `UPDATE token SET id = ? ${FIRST}`, lost: 'unknown token' },
  'the version of a record': { sql: "UPDATE record SET version = ? WHERE id = 'r1'", lost: 'record' },
  'the expiry of a memo': { sql: "UPDATE memo SET expires_at = ? WHERE id = 'm1'", lost: 'memo' },
  'the realm of a memo': { sql: "UPDATE memo SET realm = ? WHERE id = 'm1'", lost: 'memo' },
  'the highest expiry of a source': {
    sql: 'UPDATE source_expiry SET expires_at = ?',
    check: async (store) => {
      const highest = (await store.highestExpiries(REALM)).get(SOURCE) ?? 0
      assert.ok(highest > NOW_MS * 100, 'nothing that was given out ends later')
    },
  },
  'the highest row that was given': { sql: "UPDATE meta SET value = ? WHERE name = 'token_row'" },
  'the time of a row of the log': {
    sql: 'UPDATE log SET at = ? WHERE id = (SELECT min(id) FROM log)',
    check: logIsRefused,
  },
  'the kind of a row of the log': {
    sql: 'UPDATE log SET kind = ? WHERE id = (SELECT min(id) FROM log)',
    check: async (store) => {
      const { through, fault } = await store.checkRows(REALM, 0, 10)
      assert.deepEqual([through, fault], [0, { seq: 1, what: 'altered' }])
      assert.equal((await store.chainedRowsAfter(REALM, 0, 10)).length, 3)
    },
  },
  'the time of a row that was kept': {
    sql: "INSERT INTO log_kept (id, at, kind, rule) VALUES (1099511627777, ?, 1, x'01')",
    check: async (store) => assert.rejects(store.keptRows(REALM, 0, 10), ContractBroken),
  },
  'the place of an anchor': {
    sql: "INSERT INTO log_anchor (realm, seq, chain) VALUES (1, ?, x'01')",
    check: async (store) => assert.equal((await store.anchor(REALM)).seq, 0),
  },
}

async function logIsRefused(store: Store): Promise<void> {
  const { through, fault } = await store.checkRows(REALM, 0, 10)
  assert.deepEqual([through, fault], [0, { seq: 1, what: 'altered' }])
  await assert.rejects(store.rowsAfter(REALM, 0, 10), ContractBroken)
  assert.equal((await store.chainedRowsAfter(REALM, 0, 10)).length, 3)
}

const template = makeQuickHome()
after(template.remove)
const filled = join(template.folder, 'rescind.db')
const made = await openSqlite(filled, 1_000)
await fill(made)
await made.close()

for (const [what, { sql, lost, check }] of Object.entries(CASES))
  for (const number of BEYOND)
    test(`${what} may be ${number}: no other row is lost`, async (t) => {
      const home = makeQuickHome()
      t.after(home.remove)
      const path = join(home.folder, 'rescind.db')
      copyFileSync(filled, path)
      overwrite(path, sql, number)
      const store = await openSqlite(path, 1_000)
      t.after(() => store.close())
      await token(store, lost)
      await record(store, lost === 'record')
      await entry(store, lost === 'memo')
      await check?.(store)
      await writes(store, lost)
    })

/** Changes the file as an attacker with access to it can. */
function overwrite(path: string, sql: string, number: string): void {
  const db = new DatabaseSync(path)
  assert.equal(db.prepare(sql).run(BigInt(number)).changes, 1)
  db.close()
}

const readable = (lost: boolean): readonly number[] => (lost ? [2, 3] : [1, 2, 3])
const handles = (records: readonly { readonly handle: string }[]): readonly string[] =>
  records.map(({ handle }) => handle).sort()

async function token(store: Store, lost: Case['lost']): Promise<void> {
  const isLost = lost === 'unreadable token' || lost === 'unknown token'
  const left = readable(isLost).map((one) => handleAt(one))
  for (const [at, number] of [
    [digestAt(1), 1],
    [digestAt(2), 2],
  ] as const) {
    const read = async (): Promise<unknown> => store.tokenByDigest(REALM, at)
    const byHandle = async (): Promise<unknown> => store.tokenByHandle(REALM, handleAt(number))
    for (const one of [read, byHandle]) {
      if (number === 1 && lost === 'unreadable token') await assert.rejects(one, NotReadable)
      else assert.equal((await one()) === undefined, number === 1 && isLost)
    }
  }
  left.sort()
  assert.deepEqual(handles((await store.tokens(REALM, ALL)).records), left)
  const ofClient = await store.tokensOfClient(REALM, { source: SOURCE, client: CLIENT, ...ALL })
  assert.deepEqual(handles(ofClient.records), left)
  const untilMs = NOW_MS * 2
  const ending = await store.tokensEnding(REALM, {
    sources: [SOURCE],
    after: { endMs: 0 },
    untilMs,
    limit: 10,
  })
  assert.deepEqual(handles(ending.records), left)
  const expired = await store.expiredTokens(untilMs, 10)
  const ended = expired.flatMap(({ realm, record: found }) => (realm === REALM && found ? [found] : []))
  assert.deepEqual(
    handles(ended).filter((one) => left.includes(one as never)),
    left,
  )
}

async function record(store: Store, isLost: boolean): Promise<void> {
  const bodies = async (): Promise<readonly (string | undefined)[]> => [
    (await store.record(REALM, 'things', 'r1'))?.body,
    (await store.recordByKey(REALM, { collection: 'things', name: 'name', value: 'k1' }))?.body,
    ...(await store.records(REALM, { collection: 'things', ...ALL })).records.map(({ body }) => body),
    ...(
      await store.recordsListed(REALM, { collection: 'things', name: 'all', value: 'x', ...ALL })
    ).records.map(({ body }) => body),
  ]
  const first = isLost ? '' : '{}'
  assert.deepEqual(await bodies(), [first, first, first, '{}', '{}', first, '{}', '{}'])
}

async function entry(store: Store, isLost: boolean): Promise<void> {
  const { entries } = await store.expiringPage(REALM, { kind: ENTRY.kind, ...ALL })
  const others = entries.filter(({ id, value }) => id !== 'm1' && value.length > 0)
  assert.equal(others.length, 2)
  const one = await store.expiring(REALM, { kind: ENTRY.kind, id: 'm1' })
  assert.equal((one?.value.length ?? 0) > 0, !isLost, 'one that ends never is not believed')
  assert.ok((await store.expiredEntries(NOW_MS * 2, 10)).length >= 2)
}

/** Whatever was overwritten, the store still takes writes. */
async function writes(store: Store, lost: Case['lost']): Promise<void> {
  const version = (await store.record(REALM, 'things', 'r1'))?.version ?? 0
  const { outcomes } = await commit(
    store,
    write(put(bareToken(9, { expiresAtMs: NOW_MS + 5 }))),
    write(forget(2, { tombstone: false })),
    write(putRecord('r1', { fromVersion: version, body: '{"new":1}' })),
    write({
      kind: 'extend-token',
      digest: digestAt(3),
      source: SOURCE,
      expiresAtMs: NOW_MS + 9,
      atMs: NOW_MS,
    }),
    write({
      kind: 'extend-token',
      digest: digestAt(1),
      source: SOURCE,
      expiresAtMs: NOW_MS + 9,
      atMs: NOW_MS,
    }),
    write({ kind: 'put-expiring', entry: { ...ENTRY, id: 'm1' } }),
  )
  const ownOutcome = lost === 'unknown token' ? { kind: 'conflict', what: 'token-missing' } : applied(3)
  assert.deepEqual(outcomes, [applied(3), applied(3), applied(3), applied(3), ownOutcome, applied(3)])
  assert.equal((await store.record(REALM, 'things', 'r1'))?.body, '{"new":1}', 'written anew, it is mended')
  const mended = await store.expiring(REALM, { kind: ENTRY.kind, id: 'm1' })
  assert.equal(mended?.expiresAtMs, NOW_MS)
  assert.equal((await store.tokenByDigest(REALM, digestAt(9)))?.position, ORIGIN)
}

test('an invalid floor refuses the start, and the message says what to do', async (t) => {
  const home = makeQuickHome()
  t.after(home.remove)
  const path = join(home.folder, 'rescind.db')
  copyFileSync(filled, path)
  for (const number of BEYOND) {
    overwrite(path, "UPDATE meta SET value = ? WHERE name = 'floor'", number)
    const refused = (error: unknown): boolean =>
      error instanceof StoreRefused && /floor.*restore/.test(error.message)
    await assert.rejects(openSqlite(path, 1_000), refused)
  }
})
