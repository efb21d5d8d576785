import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BEYOND_LOGS } from '@rescind/core'
import { handleAt, NOW_MS } from '../../test/kit/samples.ts'
import {
  Acceptances,
  type Acceptor,
  INSTANCES_NAMED_MAX,
  NOTES_MAX,
  NOTES_PER_ACCEPTOR_MAX,
  REPORTED_MAX,
} from './acceptances.ts'
import { FOREIGN_USES_MAX, ForeignUses } from './foreign-uses.ts'

const CHECK = { by: 'check', name: '' } as const
const OTHER = { by: 'check', name: 'strict' } as const
const VERIFIER = { by: 'verifier', name: 'orders-api' } as const

function token(nth: number): Parameters<Acceptances['accepted']>[1] {
  return { kind: 'access', source: 'oauth', handle: handleAt(nth), expiresAtMs: NOW_MS * 2 }
}

test('an acceptance is noted to the minute and by acceptor, and stays until that same one is written', () => {
  const acceptances = new Acceptances()
  acceptances.accepted(CHECK, token(1), NOW_MS + 59_999)
  assert.equal(acceptances.lastMs(handleAt(1)), NOW_MS)
  const some = acceptances.some(10)
  acceptances.accepted(CHECK, token(1), NOW_MS + 60_000)
  acceptances.accepted(OTHER, token(1), NOW_MS)
  acceptances.written(some)
  assert.equal(acceptances.lastMs(handleAt(1)), NOW_MS + 60_000, 'it was accepted again meanwhile')
  assert.deepEqual(
    acceptances.of(handleAt(1)).map(({ acceptor, firstMs, lastMs }) => [acceptor.name, firstMs, lastMs]),
    [
      ['', NOW_MS, NOW_MS + 60_000],
      ['strict', NOW_MS, NOW_MS],
    ],
  )
  acceptances.written(acceptances.some(10))
  assert.equal(acceptances.lastMs(handleAt(1)), undefined)
  assert.equal(acceptances.size, 0)
})

test('reports are merged: the least first, the greatest last, and a few instances', () => {
  const acceptances = new Acceptances()
  const name = { handle: handleAt(1) }
  for (let nth = 0; nth <= INSTANCES_NAMED_MAX; nth += 1)
    acceptances.note(VERIFIER, name, {
      ...{ firstMs: NOW_MS - nth * 60_000, lastMs: NOW_MS - nth * 60_000 },
      instance: `host-${nth}`,
    })
  acceptances.note(VERIFIER, name, { firstMs: NOW_MS, lastMs: NOW_MS + 60_000, instance: 'host-0' })
  const [note] = acceptances.some(10)
  assert.deepEqual([note?.firstMs, note?.lastMs], [NOW_MS - INSTANCES_NAMED_MAX * 60_000, NOW_MS + 60_000])
  assert.equal(note?.instances.length, INSTANCES_NAMED_MAX)
})

const AT = { firstMs: NOW_MS, lastMs: NOW_MS }

function noteMany(acceptances: Acceptances, acceptor: Acceptor, { count, jti = '' }: Many): void {
  for (let nth = 0; nth < count; nth += 1)
    acceptances.note(acceptor, { issuer: 'i', jti: `${jti}${nth}`, expiresAtMs: 0 }, AT)
}
type Many = { readonly count: number; readonly jti?: string }

function countsOf(acceptances: Acceptances): readonly (readonly [Acceptor, number])[] {
  return acceptances.takeDropped().map(({ acceptor, dropped }) => [acceptor, dropped.count])
}

test('the bounds on held acceptances are exact, of all and of one acceptor, and one more is counted as dropped', () => {
  const acceptances = new Acceptances()
  const most = NOTES_PER_ACCEPTOR_MAX.notes
  noteMany(acceptances, CHECK, { count: most })
  assert.deepEqual(acceptances.dropped(), [])
  noteMany(acceptances, CHECK, { count: 1, jti: 'more' })
  assert.deepEqual(acceptances.dropped(), [
    { acceptor: CHECK, dropped: { count: 1, sinceMs: NOW_MS, untilMs: NOW_MS } },
  ])
  noteMany(acceptances, OTHER, { count: NOTES_MAX.notes - most })
  noteMany(acceptances, VERIFIER, { count: 1 })
  assert.deepEqual(countsOf(acceptances), [
    [CHECK, 1],
    [VERIFIER, 1],
  ])
  assert.equal(acceptances.size, NOTES_MAX.notes)
  assert.deepEqual(acceptances.takeDropped(), [])
})

test('however much verifiers report, there is room for what the server saw itself, and that is written first', () => {
  const acceptances = new Acceptances()
  noteMany(acceptances, VERIFIER, { count: NOTES_PER_ACCEPTOR_MAX.notes })
  const second = { by: 'verifier', name: 'second' } as const
  noteMany(acceptances, second, { count: REPORTED_MAX.notes - NOTES_PER_ACCEPTOR_MAX.notes })
  assert.deepEqual(acceptances.dropped(), [])
  noteMany(acceptances, second, { count: 1, jti: 'more' })
  const seen = NOTES_MAX.notes - REPORTED_MAX.notes
  noteMany(acceptances, CHECK, { count: seen })
  assert.deepEqual(countsOf(acceptances), [[second, 1]])
  assert.deepEqual(
    acceptances.some(1).map(({ acceptor }) => acceptor),
    [CHECK],
  )
  acceptances.written(acceptances.some(seen))
  noteMany(acceptances, second, { count: 1, jti: 'more' })
  assert.deepEqual(countsOf(acceptances), [[second, 1]], 'the room of the server stays free')
})

test('long names take their room by characters, which is free again once they are written or dropped', () => {
  const acceptances = new Acceptances()
  // A name is the issuer, a separator and the id.
  const jti = 'x'.repeat(1_024 - 2 - 5)
  const long = (nth: number): string => `${nth}`.padStart(5, '0')
  const note = (acceptor: Acceptor, from: number, count: number): void => {
    for (let nth = from; nth < from + count; nth += 1)
      acceptances.note(acceptor, { issuer: 'i', jti: `${jti}${long(nth)}`, expiresAtMs: 0 }, AT)
  }
  const most = NOTES_PER_ACCEPTOR_MAX.chars / 1_024
  const second = { by: 'verifier', name: 'second' } as const
  note(VERIFIER, 0, most)
  assert.deepEqual(acceptances.dropped(), [])
  note(VERIFIER, most, 1)
  note(second, 0, REPORTED_MAX.chars / 1_024 - most + 1)
  note(CHECK, 0, (NOTES_MAX.chars - REPORTED_MAX.chars) / 1_024 + 1)
  assert.deepEqual(countsOf(acceptances), [
    [CHECK, 1],
    [VERIFIER, 1],
    [second, 1],
  ])
  acceptances.written(acceptances.some(NOTES_MAX.notes))
  note(VERIFIER, 0, most)
  assert.deepEqual([countsOf(acceptances), acceptances.size], [[], most])
  acceptances.dropAll()
  acceptances.takeDropped()
  note(VERIFIER, 0, most)
  assert.deepEqual([countsOf(acceptances), acceptances.size], [[], most])
})

test('[W41] the bound on foreign uses is exact, and one more replaces the oldest', () => {
  const uses = new ForeignUses()
  const use = (jti: string, nowMs: number): void =>
    uses.accepted(
      {
        ...{
          source: 'iss:https://idp.example',
          ancestors: [],
          position: BEYOND_LOGS,
          expiresAtMs: NOW_MS * 2,
        },
        foreign: { jti, skewMs: 0 },
      },
      nowMs,
    )
  const recent = (): (string | undefined)[] => [...uses.recent(NOW_MS)].map(({ foreign }) => foreign?.jti)
  for (let nth = 0; nth < FOREIGN_USES_MAX; nth += 1) use(`${nth}`, NOW_MS)
  use('0', NOW_MS + 60_000)
  assert.equal(recent().length, FOREIGN_USES_MAX)
  use('one more', NOW_MS)
  assert.equal(recent().length, FOREIGN_USES_MAX)
  assert.deepEqual([recent().includes('0'), recent().includes('1')], [true, false])
})
