import assert from 'node:assert/strict'
import { test } from 'node:test'
import { factsJson, readFacts } from './facts-json.ts'
import { BEYOND_LOGS, position } from './position.ts'
import { factsAt, handleAt, NOW_MS } from './property/samples.ts'
import type { TokenFacts } from './records.ts'
import { parseStrictJson } from './strict-json.ts'

const ANCESTOR = {
  source: 'oauth',
  subject: 'ann',
  handle: handleAt(9),
  position: position(2, 7),
  issuedAtMs: NOW_MS,
  expiresAtMs: NOW_MS + 5,
}
const BARE: TokenFacts = { source: 'oauth', ancestors: [], position: position(1, 1), expiresAtMs: NOW_MS }
const FULL: readonly TokenFacts[] = [
  BARE,
  factsAt(1, { ancestors: [ANCESTOR], notBeforeMs: NOW_MS }),
  {
    ...BARE,
    source: 'iss:https://idp.example',
    position: BEYOND_LOGS,
    foreign: { jti: 'j', skewMs: 60_000, authenticatedAtMs: NOW_MS },
  },
]

test('facts come through JSON as they were', () => {
  for (const facts of FULL) {
    const text = JSON.stringify(factsJson(facts))
    assert.deepEqual(readFacts(parseStrictJson(Buffer.from(text))), facts)
  }
})

test('facts with any member of another type, or a needed one left out, are none', () => {
  for (const facts of FULL) {
    const json = factsJson(facts)
    for (const name of Object.keys(json)) {
      for (const odd of [null, true, -1, {}, [1], name === 'source' ? 7 : NaN]) {
        assert.equal(readFacts({ ...json, [name]: odd }), undefined, `${name}: ${String(odd)}`)
      }
    }
    for (const name of ['source', 'ancestors', 'position', 'expiresAtMs']) {
      assert.equal(
        readFacts(Object.fromEntries(Object.entries(json).filter(([key]) => key !== name))),
        undefined,
      )
    }
  }
  for (const odd of [undefined, null, 'text', [], 7]) assert.equal(readFacts(odd), undefined)
})
