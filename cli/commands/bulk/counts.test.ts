import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countLines, isAnythingLeft } from './counts.ts'

test('what a server counts beyond what is known here is not taken for done', () => {
  const done = { done: true, lines: 3, revoked: 2, already: 1 }
  assert.equal(isAnythingLeft(done), false)
  assert.equal(isAnythingLeft({ ...done, deferred: 0 }), false)
  assert.equal(isAnythingLeft({ ...done, deferred: 1 }), true)
  assert.match(JSON.stringify(countLines({ ...done, deferred: 1 })), /deferred: the report says more/)
  assert.equal(isAnythingLeft({ ...done, tooLong: 1 }), true)
})
