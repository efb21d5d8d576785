import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SettingsRefused } from '@rescind/core'
import { append, applied, commit, REALM, write } from './contract/samples.ts'
import { backupStore, openStore, parseStoreUrl, withoutPassword } from './open.ts'

test('a URL names its engine and its file', () => {
  assert.deepEqual(parseStoreUrl('memory:', 'store'), { kind: 'memory', path: undefined, isDurable: false })
  assert.deepEqual(parseStoreUrl('sqlite:./a/b.db', 'store'), {
    kind: 'sqlite',
    path: './a/b.db',
    isDurable: true,
  })
  const shared = parseStoreUrl('postgres://u@db/rescind', 'store')
  assert.ok(shared.kind === 'postgres' && shared.isDurable)
  assert.deepEqual([shared.address.host, shared.address.database], ['db', 'rescind'])
})

test('a URL of no engine, or of no file, is refused, and the message names its setting', () => {
  for (const text of ['', 'sqlite:', 'memory', 'memory:x', 'SQLITE:a', 'mysql://a/b', './a.db'])
    assert.throws(
      () => parseStoreUrl(text, '--store'),
      new SettingsRefused(
        `--store: "${text}" names no store; give sqlite:PATH, postgres://USER@HOST/DATABASE or memory:`,
      ),
    )
})

test('a password in a URL that is refused, or listed, is not shown', () => {
  for (const text of [
    'postgress://me:secret@db/x',
    'Postgres://me:secret@db/x',
    'mysql://me:secret@db',
    'pg://me:p@secret@db/x',
    'pg://me:p/secret?x@db',
  ]) {
    assert.throws(
      () => parseStoreUrl(text, '--store'),
      (error) => error instanceof SettingsRefused && !error.message.includes('secret'),
    )
    assert.ok(!withoutPassword(text).includes('secret'))
  }
  assert.equal(withoutPassword('postgres://me@db/x?a=b:c@d'), 'postgres://me@db/x?a=b:c@d')
})

test('data written to a file store is there when it is opened again, and in its backup', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-open-'))
  try {
    const url = { kind: 'sqlite', path: join(folder, 's.db'), isDurable: true } as const
    const store = await openStore(url, { floorMs: 1_000 })
    assert.deepEqual((await commit(store, write(append()))).outcomes, [applied(1)])
    await store.close()
    await backupStore(url, join(folder, 'copy.db'))
    for (const path of [url.path, join(folder, 'copy.db')]) {
      const again = await openStore({ ...url, path }, { floorMs: 0 })
      assert.equal((await again.head(REALM)).seq, 1)
      await again.close()
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a store in memory begins empty', async () => {
  const store = await openStore(parseStoreUrl('memory:', 'store'), { floorMs: 1_000 })
  assert.equal((await store.head(REALM)).seq, 0)
  assert.equal(store.joined, undefined)
  await store.close()
})
