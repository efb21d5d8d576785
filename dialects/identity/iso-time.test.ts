import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isoTime } from './iso-time.ts'

test('an instant is written as the engine itself writes it, in any four-digit year', () => {
  const instants = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) })
  fc.assert(
    fc.property(instants, (ms) => assert.equal(isoTime(ms), new Date(ms).toISOString())),
    { numRuns: 5_000 },
  )
})

test('leap days, ends of years and ends of centuries are written right', () => {
  for (const text of [
    '2000-02-29T00:00:00.000Z',
    '2023-12-31T23:59:59.999Z',
    '2100-02-28T23:59:59.999Z',
    '2100-03-01T00:00:00.000Z',
  ])
    assert.equal(isoTime(Date.parse(text)), text)
})
