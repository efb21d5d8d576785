import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newestOfMost } from './shares.ts'

type Place = readonly [name: string, nth: number]
const places = (names: string): readonly Place[] => [...names].map((name, nth) => [name, nth])
const who = (names: string, mine: string): string =>
  newestOfMost(places(names), ([name]) => name, mine)?.join('') ?? 'nobody'

test('[S3] the newest place of the largest holder is given up, unless `mine` would then hold more than it', () => {
  assert.equal(who('aab', 'c'), 'a1')
  assert.equal(who('abaa', 'b'), 'a3')
  assert.equal(who('aab', 'b'), 'nobody', 'one more than mine')
  assert.equal(who('aab', 'a'), 'nobody', 'it has most itself')
  assert.equal(who('ab', 'c'), 'nobody', 'everybody has one')
  assert.equal(who('', 'c'), 'nobody')
  assert.equal(who('bbaacc', 'd'), 'b1', 'of several, who began first')
})
