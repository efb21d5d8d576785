import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isGuessable } from './guessable.ts'

test('[W89] [M11] a key that looks like 128 bits is taken, and one with a character less is not', () => {
  for (const [strong, weak] of [
    ['0123456789abcdef'.repeat(2), '0123456789abcdef'.repeat(2).slice(1)],
    [
      '3141592653589793238462643383279502884197'.slice(0, 39),
      '3141592653589793238462643383279502884197'.slice(0, 38),
    ],
    ['abcdefghijklmnopqrstuvwxyzab', 'abcdefghijklmnopqrstuvwxyza'],
    ['Kb7PhF2mQxZ9LwRt4VnY8s', 'Kb7PhF2mQxZ9LwRt4VnY8'],
    ['control-key-of-the-tes', 'control-key-of-the-te'],
    ['6f9619ff-8b86-d011-b42d-00cf4fc964ff', '6f9619ff-8b86-d011-b42d-00cf4fc'],
  ] as const) {
    assert.equal(isGuessable(strong), false, strong)
    assert.equal(isGuessable(weak), true, weak)
  }
})

test('[W89] a pattern is guessable, however long it is', () => {
  for (const text of ['', 'a', 'a'.repeat(512), 'ab'.repeat(60), '1234567'.repeat(6)])
    assert.equal(isGuessable(text), true, text)
})
