import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from '@rescind/authority'
import { position, realmOrdinal } from '@rescind/core'
import { TestSink } from '../test/kit/feed-sink.ts'
import { FOLLOWERS_MAX, FOLLOWERS_PER_KEY_MAX, type Follower, Followers } from './followers.ts'

function caller(id: string): Caller {
  const facts = { source: 'control', client: id, ancestors: [], position: position(1, 1), expiresAtMs: 9e15 }
  return { id, from: 'here', dependency: { realm: realmOrdinal(0), facts } }
}

const QUIET: Follower = { disconnect: () => {}, pulse: () => {} }

test('a key and a realm have so many followers, and a closed one makes room', () => {
  const followers = new Followers()
  const sinks: TestSink[] = []
  const take = (id: string): boolean => {
    const attach = followers.take(caller(id), () => QUIET)
    const sink = new TestSink()
    attach?.(sink)
    if (attach !== undefined) sinks.push(sink)
    return attach !== undefined
  }
  for (let nth = 0; nth < FOLLOWERS_PER_KEY_MAX; nth += 1) assert.ok(take('a'))
  assert.equal(take('a'), false)
  for (let nth = FOLLOWERS_PER_KEY_MAX; nth < FOLLOWERS_MAX; nth += 1) assert.ok(take(`key ${nth}`))
  assert.equal(take('another'), false)
  sinks[0]?.leave()
  assert.ok(take('a'))
  assert.equal(followers.size, FOLLOWERS_MAX)
})

test('the followers of a caller that is over are told why, and no others', () => {
  const followers = new Followers()
  const ended: string[] = []
  for (const id of ['a', 'b'])
    followers.take(caller(id), () => ({ ...QUIET, disconnect: (why) => void ended.push(`${id} ${why}`) }))?.(
      new TestSink(),
    )
  followers.disconnectWhere('key', ({ id }) => id === 'b')
  assert.deepEqual(ended, ['b key'])
})
