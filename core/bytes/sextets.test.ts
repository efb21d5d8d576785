import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sextetAt } from './sextets.ts'

test('a base64url character gives its six bits', () => {
  for (let value = 0; value < 64; value += 1) {
    const text = Buffer.from([value << 2, 0, 0]).toString('base64url')
    assert.equal(sextetAt(text, 0), value)
  }
})
