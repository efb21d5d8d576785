import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LAST_INSTANT_MS } from '@rescind/core'
import fc from 'fast-check'
import { formatInstant, parseInstant } from './iso-date.ts'

test('instants are written as the platform writes them, and read back', () => {
  const instants = fc.integer({ min: 0, max: LAST_INSTANT_MS })
  fc.assert(
    fc.property(instants, (ms) => {
      assert.equal(formatInstant(ms), new Date(ms).toISOString())
      assert.equal(parseInstant(formatInstant(ms)), ms)
    }),
    { numRuns: 2_000 },
  )
  for (const ms of [0, LAST_INSTANT_MS]) assert.equal(formatInstant(ms), new Date(ms).toISOString())
})

test('every day from 1970 to 2110 is written and read right', () => {
  for (let ms = 0; ms < Date.UTC(2110, 0); ms += 86_400_000) {
    assert.equal(formatInstant(ms), new Date(ms).toISOString())
    assert.equal(parseInstant(formatInstant(ms)), ms)
  }
})

test('fractions and offsets may be missing, and are understood when they are there', () => {
  const noon = Date.UTC(2026, 2, 1, 12)
  const same = [
    '2026-03-01T12:00:00Z',
    '2026-03-01T12:00:00',
    '2026-03-01T12:00:00.0Z',
    '2026-03-01T12:00:00.000999Z',
    '2026-03-01T14:00:00+02:00',
    '2026-03-01T14:00:00+0200',
    '2026-03-01T01:30:00.000-10:30',
    '2026-03-02T00:00:00+12:00',
  ]
  for (const text of same) assert.equal(parseInstant(text), noon, text)
  assert.equal(parseInstant('2026-03-01T12:00:00.5Z'), noon + 500)
})

test('text that is not an instant is refused, never guessed at', () => {
  const broken = [
    '',
    '2026-03-01',
    '2026-03-01T12:00Z',
    '2026-03-01 12:00:00Z',
    '2026-02-29T12:00:00Z',
    '2026-13-01T12:00:00Z',
    '2026-00-01T12:00:00Z',
    '2026-04-31T12:00:00Z',
    '2026-04-00T12:00:00Z',
    '2026-03-01T24:00:00Z',
    '2026-03-01T23:60:00Z',
    '2026-03-01T23:59:60Z',
    '2026-03-01T12:00:00+24:00',
    '2026-03-01T12:00:00.Z',
    '2026-03-01T12:00:00,5Z',
    '+002026-03-01T12:00:00Z',
    '1969-12-31T23:59:59Z',
    '２０２６-03-01T12:00:00Z',
    ' 2026-03-01T12:00:00Z',
    '2026-03-01T12:00:00Z\n',
    '1772366400000',
    'Sun, 01 Mar 2026 12:00:00 GMT',
  ]
  for (const text of broken) assert.equal(parseInstant(text), undefined, text)
})

test('[H18] an instant is bounded after its offset is applied, below and above', () => {
  const inside = ['1970-01-01T00:00:00Z', '1970-01-01T01:00:00+01:00', '9999-12-31T23:59:59.999Z']
  for (const text of [...inside, '9999-12-31T23:58:59-00:01']) {
    const ms = parseInstant(text)
    assert.ok(ms !== undefined, text)
    assert.equal(parseInstant(formatInstant(ms)), ms, text)
  }
  for (const text of [
    '1970-01-01T00:00:00+01:00',
    '1970-01-01T00:00:59.999+00:01',
    '9999-12-31T23:59:59-00:01',
    '9999-12-31T00:01:00-23:59',
  ])
    assert.equal(parseInstant(text), undefined, text)
})

test('[H18] every stored number can be printed, and one that is no instant does not parse as one', () => {
  assert.equal(formatInstant(-1), '1969-12-31T23:59:59.999Z')
  assert.equal(formatInstant(-3_600_000), '1969-12-31T23:00:00.000Z')
  assert.equal(formatInstant(1.5), '1970-01-01T00:00:00.001Z')
  assert.equal(formatInstant(Date.UTC(-1, 11, 31) + 86_400_000), '0000-01-01T00:00:00.000Z')
  for (const ms of [LAST_INSTANT_MS + 1, -1e300, 1e300, Number.NaN, Number.POSITIVE_INFINITY])
    assert.equal(formatInstant(ms), `no instant: ${ms}`)
  fc.assert(
    fc.property(fc.double(), (ms) => {
      const text = formatInstant(ms)
      assert.ok(text.startsWith('no instant: ') || text.endsWith('Z'))
      const read = parseInstant(text)
      assert.ok(read === undefined || read === Math.floor(ms))
    }),
  )
})
