import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { accessTokenIn, isActive } from './kit/calls.ts'
import { Place } from './kit/place.ts'

const TOKENS = 8_000
const WRITERS = 24
const READERS = 10
/**
 * The log is written back from some 32 MB on, while more arrives. Without writing back, so many tokens would fill 95
 * MB.
 */
const LOG_MAX_BYTES = 80 * 2 ** 20
const LOOK_EVERY = 50

test('the write-ahead log stays bounded while the server issues and answers without a pause', async (t) => {
  const place = new Place(t)
  const { calls } = await place.start()
  const log = join(place.home.folder, 'data', 'rescind.db-wal')
  const tokens: string[] = []
  let largestBytes = 0
  const write = async (): Promise<void> => {
    while (tokens.length < TOKENS) {
      const count = tokens.push(accessTokenIn(await calls.oauthIssue()))
      if (count % LOOK_EVERY === 0) largestBytes = Math.max(largestBytes, statSync(log).size)
    }
  }
  const read = async (): Promise<void> => {
    while (tokens.length < TOKENS) {
      const token = tokens.at(-1)
      if (token !== undefined) assert.equal(isActive(await calls.introspect(token)), true)
      // No such token exists, so the newest state is searched for it.
      assert.equal((await calls.oauthRefresh(`rsr_${'0'.repeat(36)}`)).status, 400)
    }
  }
  const workers = (count: number, worker: () => Promise<void>): Promise<void>[] =>
    Array.from({ length: count }, worker)
  await Promise.all([...workers(WRITERS, write), ...workers(READERS, read)])
  t.diagnostic(`${Math.round(largestBytes / 2 ** 20)} MB at most, for ${TOKENS} tokens`)
  assert.ok(largestBytes < LOG_MAX_BYTES)
})
