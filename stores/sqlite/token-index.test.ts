import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import type { Store } from '@rescind/authority'
import { type TokenDigest, type TokenRecord, tokenDigest } from '@rescind/core'
import {
  applied,
  bareToken,
  commit,
  comparable,
  conflict,
  digestAt,
  forget,
  handleAt,
  NOW_MS,
  put,
  REALM,
  SOURCE,
  write,
} from '../contract/samples.ts'
import { migrate } from './schema.ts'
import { openSqlite } from './store.ts'

function pathIn(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-tokens-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'rescind.db')
}

/** Another digest with the same first bits, which the index cannot tell apart. */
function twinOf(digest: TokenDigest, last: string): TokenDigest {
  return tokenDigest(digest.slice(0, 42) + last)
}

const all = { after: undefined, limit: 1_000 }

test('tokens whose digests share their first bits are distinguished, before and after a restart', async (t) => {
  const path = pathIn(t)
  let store = await openSqlite(path, 1_000)
  const twins = ['A', 'E', 'I'].map((last, at): TokenRecord => {
    return { ...bareToken(at + 1), digest: twinOf(digestAt(1), last), scope: last }
  })
  const check = async (found: readonly TokenRecord[]): Promise<void> => {
    for (const one of twins) {
      const expected = found.includes(one) ? one : undefined
      assert.deepEqual(await store.tokenByDigest(REALM, one.digest), expected)
      assert.deepEqual(await store.tokenByHandle(REALM, one.handle), expected)
    }
  }
  const { outcomes } = await commit(
    store,
    ...twins.map((one) => write(put(one))),
    write(put(twins[1] as TokenRecord)),
  )
  assert.deepEqual(outcomes, [applied(0), applied(0), applied(0), conflict('token-exists')])
  await check(twins)
  const [, second] = twins
  assert.ok(second !== undefined)
  const { digest, handle } = second
  const token = { digest, handle, source: SOURCE, tombstone: false }
  await commit(store, write({ kind: 'forget-token', token }))
  await check(twins.filter((one) => one !== second))
  await store.close()
  store = await openSqlite(path, 1_000)
  await check(twins.filter((one) => one !== second))
  assert.deepEqual((await commit(store, write(put(twins[0] as TokenRecord)))).outcomes, [
    conflict('token-exists'),
  ])
  await store.close()
})

test('more tokens than one read returns, all with the same expiry, are found after a start', async (t) => {
  const path = pathIn(t)
  let store = await openSqlite(path, 1_000)
  const count = 20_000
  for (let done = 0; done < count; done += 1_000) {
    await commit(store, write(...Array.from({ length: 1_000 }, (_, at) => put(bareToken(done + at)))))
  }
  await store.close()
  store = await openSqlite(path, 1_000)
  for (let number = 0; number < count; number += 97) {
    assert.deepEqual((await store.tokenByDigest(REALM, digestAt(number)))?.handle, handleAt(number))
  }
  assert.equal(await store.tokenByDigest(REALM, digestAt(count)), undefined)
  await store.close()
})

test('[D08] a row number is never reused, even after its token was forgotten and the store reopened', async (t) => {
  const path = pathIn(t)
  let store = await openSqlite(path, 1_000)
  await commit(store, write(put(bareToken(1))), write(put(bareToken(2))))
  const seen = await store.tokens(REALM, { ...all, limit: 2 })
  await commit(store, write(forget(2, { tombstone: false })))
  await store.close()
  store = await openSqlite(path, 1_000)
  await commit(store, write(put(bareToken(3))))
  const { records } = await store.tokens(REALM, { after: seen.next, limit: 10 })
  assert.deepEqual(
    records.map(({ handle }) => handle),
    [handleAt(3)],
  )
  await store.close()
})

test('a token that a write put and undid is not found', async (t) => {
  const store: Store = await openSqlite(pathIn(t), 1_000)
  const { outcomes } = await commit(
    store,
    write(put(bareToken(1)), put(bareToken(2)), put(bareToken(1))),
    write(put(bareToken(2))),
    write(put(bareToken(3)), forget(3, { tombstone: false }), put(bareToken(3))),
  )
  assert.deepEqual(outcomes, [conflict('token-exists'), applied(0), applied(0)])
  assert.equal(await store.tokenByDigest(REALM, digestAt(1)), undefined)
  assert.deepEqual(await store.tokenByDigest(REALM, digestAt(2)), bareToken(2))
  assert.deepEqual(await store.tokenByHandle(REALM, handleAt(3)), bareToken(3))
  await store.close()
})

test('a store of the previous schema is migrated, token by token', async (t) => {
  const path = pathIn(t)
  const old = new DatabaseSync(path)
  migrate(old, 1_000, 3)
  const insert =
    old.prepare(`INSERT INTO token (realm, digest, handle, expires_at, extended_at, client, facts, sealed)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
  const tokens: TokenRecord[] = [5, 1, 3].map((number) => ({
    ...bareToken(number),
    source: number === 3 ? 'oauth' : SOURCE,
    client: 'c',
    expiresAtMs: NOW_MS + number,
    sealed: Buffer.from([number]),
  }))
  for (const { digest, handle, expiresAtMs, sealed, ...facts } of tokens) {
    const client = `${facts.source}\0${facts.client}`
    insert.run(REALM, digest, handle, expiresAtMs, null, client, JSON.stringify(facts), sealed ?? null)
  }
  old.exec(
    "DELETE FROM token WHERE expires_at = 0; INSERT INTO token SELECT 9, 1, 'x', 'y', 0, NULL, NULL, '{}', NULL",
  )
  old.exec('DELETE FROM token WHERE id = 9')
  old.close()
  const store = await openSqlite(path, 1_000)
  for (const token of tokens) {
    assert.deepEqual(comparable(await store.tokenByDigest(REALM, token.digest)), comparable(token))
    assert.deepEqual(comparable(await store.tokenByHandle(REALM, token.handle)), comparable(token))
  }
  const ofChat = await store.tokensOfClient(REALM, { source: SOURCE, client: 'c', ...all })
  const ofOauth = await store.tokensOfClient(REALM, { source: 'oauth', client: 'c', ...all })
  assert.deepEqual(
    [ofChat, ofOauth].map(({ records }) => records.map(({ handle }) => handle)),
    [[5, 1].map(handleAt), [3].map(handleAt)],
  )
  const expired = await store.expiredTokens(NOW_MS + 3, 10)
  assert.deepEqual(
    expired.map(({ record }) => record?.handle),
    [1, 3].map(handleAt),
  )
  assert.deepEqual((await commit(store, write(put(bareToken(7))))).outcomes, [applied(0)])
  assert.equal(
    (await store.tokens(REALM, { ...all, limit: 4 })).next,
    10,
    'numbers go on behind those that were given',
  )
  await store.close()
})
