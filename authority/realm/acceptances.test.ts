import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BEYOND_LOGS } from '@rescind/core'
import { handleAt, NOW_MS } from '../../test/kit/samples.ts'
import { Acceptances, INSTANCES_NAMED_MAX, NOTES_MAX, NOTES_PER_ACCEPTOR_MAX } from './acceptances.ts'
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

test('the bounds on held acceptances are exact, of all and of one acceptor, and one more is counted as dropped', () => {
  const acceptances = new Acceptances()
  const note = (acceptor: typeof CHECK | typeof OTHER | typeof VERIFIER, nth: number): void =>
    acceptances.note(
      acceptor,
      { issuer: 'i', jti: `${nth}`, expiresAtMs: 0 },
      { firstMs: NOW_MS, lastMs: NOW_MS },
    )
  for (let nth = 0; nth < NOTES_PER_ACCEPTOR_MAX; nth += 1) note(CHECK, nth)
  assert.deepEqual(acceptances.dropped(), [])
  note(CHECK, -1)
  assert.deepEqual(acceptances.dropped(), [
    { acceptor: CHECK, dropped: { count: 1, sinceMs: NOW_MS, untilMs: NOW_MS } },
  ])
  for (let nth = NOTES_PER_ACCEPTOR_MAX; nth < NOTES_MAX; nth += 1) note(OTHER, nth)
  note(VERIFIER, 0)
  assert.deepEqual(
    acceptances.takeDropped().map(({ acceptor, dropped }) => [acceptor, dropped.count]),
    [
      [VERIFIER, 1],
      [CHECK, 1],
    ],
  )
  assert.equal(acceptances.size, NOTES_MAX)
  assert.deepEqual(acceptances.takeDropped(), [])
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
