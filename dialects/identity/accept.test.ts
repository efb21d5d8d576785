import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admitsJson } from './accept.ts'

const CASES: readonly [string | undefined, boolean][] = [
  [undefined, true],
  ['', true],
  ['*/*', true],
  ['application/json', true],
  ['APPLICATION/JSON; charset=utf-8', true],
  ['application/*;q=0.1', true],
  ['application/xml, application/json;q=0.2', true],
  ['text/html,application/xhtml+xml,*/*;q=0.8', true],
  ['application/xml', false],
  ['application/json;q=0', false],
  ['application/json; q=0.000, */*', false],
  ['*/*;q=0, application/json', true],
  ['application/*;q=0, */*', false],
  ['text/html', false],
  [';;;,,,', false],
]

for (const [accept, admits] of CASES)
  test(`Accept ${JSON.stringify(accept)} ${admits ? 'admits' : 'excludes'} JSON`, () => {
    assert.equal(admitsJson(accept), admits)
  })
