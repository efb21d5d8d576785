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
  uses.written(some)
  assert.equal(uses.get(handleAt(1)), NOW_MS + 60_000, 'it was used again meanwhile')
  uses.written(uses.some(10))
  assert.equal(uses.get(handleAt(1)), undefined)
})

test('as many tokens as may be held are, and one more is passed over until some were written down', () => {
  const uses = new Uses()
  for (let nth = 0; nth < USES_MAX; nth += 1) uses.note(`tok_${nth}` as ReturnType<typeof handleAt>, NOW_MS)
  uses.note(handleAt(1), NOW_MS)
  assert.equal(uses.get(handleAt(1)), undefined)
  uses.written(uses.some(1))
  uses.note(handleAt(1), NOW_MS)
  assert.equal(uses.get(handleAt(1)), NOW_MS)
})
