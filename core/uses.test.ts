import assert from 'node:assert/strict'
import { test } from 'node:test'
import { handleAt, NOW_MS } from './property/samples.ts'
import { USES_MAX, Uses } from './uses.ts'

test('a use is noted to the minute, and stays until exactly that one was written down', () => {
  const uses = new Uses()
  uses.note(handleAt(1), NOW_MS + 59_999)
  assert.equal(uses.get(handleAt(1)), NOW_MS)
  const some = uses.some(10)
  uses.note(handleAt(1), NOW_MS + 60_000)
  uses.written(some.length)
  assert.equal(uses.get(handleAt(1)), NOW_MS + 60_000, 'it was used again meanwhile')
  uses.written(uses.some(10).length)
  assert.equal(uses.get(handleAt(1)), undefined)
})

test('as many tokens as may be held are, and one more is passed over until some were written down', () => {
  const uses = new Uses()
  for (let nth = 0; nth < USES_MAX; nth += 1) uses.note(handleAt(nth + 2), NOW_MS)
  uses.note(handleAt(1), NOW_MS)
  assert.equal(uses.get(handleAt(1)), undefined)
  uses.written(uses.some(1).length)
  uses.note(handleAt(1), NOW_MS)
  assert.equal(uses.get(handleAt(1)), NOW_MS)
})

test('what is not written down is found, however often others were', () => {
  const uses = new Uses()
  for (let nth = 0; nth < 100; nth += 1) uses.note(handleAt(nth), NOW_MS, NOW_MS + nth)
  uses.note(handleAt(5), NOW_MS + 60_000)
  for (let nth = 0; nth < 100; nth += 7) {
    assert.deepEqual(
      uses.some(7).map(({ handle, expiresAtMs }) => [handle, expiresAtMs]),
      Array.from({ length: 7 }, (_, at) => nth + at)
        .filter((at) => at <= 100)
        .map((at) => (at === 100 ? [handleAt(5), undefined] : [handleAt(at), NOW_MS + at])),
    )
    assert.equal(uses.get(handleAt(nth)), NOW_MS)
    assert.equal(uses.get(handleAt(5)), NOW_MS + 60_000)
    uses.written(Math.min(7, 101 - nth))
    assert.equal(uses.get(handleAt(nth)), undefined)
  }
  assert.deepEqual(uses.some(7), [])
})
