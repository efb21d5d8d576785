import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BEYOND_LOGS } from '@rescind/core'
import { handleAt, NOW_MS } from '../../test/kit/samples.ts'
import { FOREIGN_USES_MAX, USES_MAX, Uses } from './uses.ts'

test('a use is noted to the minute, and stays until that same use is written', () => {
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

test('the bound on held uses is exact, and one more is skipped until some are written', () => {
  const uses = new Uses()
  for (let nth = 0; nth < USES_MAX; nth += 1) uses.note(`tok_${nth}` as ReturnType<typeof handleAt>, NOW_MS)
  uses.note(handleAt(1), NOW_MS)
  assert.equal(uses.get(handleAt(1)), undefined)
  uses.written(uses.some(1))
  uses.note(handleAt(1), NOW_MS)
  assert.equal(uses.get(handleAt(1)), NOW_MS)
})

test('[W41] the bound on foreign uses is exact, and one more replaces the oldest', () => {
  const uses = new Uses()
  const use = (jti: string, nowMs: number): void =>
    uses.acceptedForeign(
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
  const recent = (): (string | undefined)[] =>
    [...uses.recentForeign(NOW_MS)].map(({ foreign }) => foreign?.jti)
  for (let nth = 0; nth < FOREIGN_USES_MAX; nth += 1) use(`${nth}`, NOW_MS)
  use('0', NOW_MS + 60_000)
  assert.equal(recent().length, FOREIGN_USES_MAX)
  use('one more', NOW_MS)
  assert.equal(recent().length, FOREIGN_USES_MAX)
  assert.deepEqual([recent().includes('0'), recent().includes('1')], [true, false])
})
