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
