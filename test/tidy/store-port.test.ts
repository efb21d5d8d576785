import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sources } from './tree.ts'

const ROOMS = ['core', 'authority', 'dialects', 'feed', 'server', 'verifier', 'cli', 'console']

/** Files that name something, as a word of its own. */
function naming(rooms: readonly string[], words: RegExp): readonly string[] {
  return sources(rooms)
    .filter(({ text }) => words.test(text))
    .map(({ path }) => path)
    .sort()
}

test('only stores knows which engines there are', () => {
  const engines =
    /\b(?:openSqlite|backupSqlite|SqliteStore|MemoryStore)\b|['"`](?:sqlite|memory|postgres):?['"`]/
  assert.deepEqual(naming(ROOMS, engines), [])
  assert.deepEqual(naming(['stores'], /\bopenSqlite\b/), [
    ...['stores/index.ts', 'stores/open.ts', 'stores/sqlite/store.ts'],
  ])
})

test('code that answers at once or later, and keyed reads, are where a hot path needs them', () => {
  const hot = ['authority/directory/directory.ts', 'authority/realm/realm.ts']
  assert.deepEqual(naming(ROOMS, /\bKeyedReads\b|\.keyed\b/), [
    ...[hot[0], 'authority/index.ts', 'authority/ports.ts', hot[1]],
  ])
  assert.deepEqual(naming(ROOMS, /\bAwaitable\b|awaitable\.ts/), [
    ...['authority/awaitable.ts', hot[0], 'authority/keys/signing-keys.ts', hot[1]],
    'authority/realm/signed-tokens.ts',
  ])
})
