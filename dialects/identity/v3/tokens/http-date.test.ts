import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSince } from './http-date.ts'

const NOON = Date.UTC(2026, 2, 1, 12)

test('the dates that clients send are parsed: RFC 1123, with GMT or an offset, and ISO', () => {
  const same = [
    'Sun, 01 Mar 2026 12:00:00 GMT',
    'Sun, 1 Mar 2026 12:00:00 GMT',
    '01 Mar 2026 12:00:00 UTC',
    'Sun, 01 Mar 2026 12:00:00 -0000',
    'Sun, 01 Mar 2026 14:00:00 +0200',
    '2026-03-01T12:00:00Z',
    '2026-03-01T12:00:00.000000Z',
  ]
  for (const text of same) assert.equal(parseSince(text), NOON, text)
})

test('text that is not a date is refused', () => {
  const broken = ['', 'now', 'Sun, 32 Mar 2026 12:00:00 GMT', 'Sun, 01 Mrz 2026 12:00:00 GMT', '1772366400']
  for (const text of broken) assert.equal(parseSince(text), undefined, text)
})
