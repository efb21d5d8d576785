import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wireRequest } from '../../../test/kit/request.ts'
import { etagOf, isKnown, unlessMatches } from './etag.ts'

const asking = (headers: Readonly<Record<string, string>>) =>
  wireRequest({ method: 'PUT', path: '/x', headers })

test('an If-Match that names another version is 412, and one that names this version is not (RFC 9110 §13.1.1)', () => {
  assert.equal(unlessMatches(asking({}), 3), undefined)
  assert.equal(unlessMatches(asking({ 'if-match': '*' }), 3), undefined)
  assert.equal(unlessMatches(asking({ 'if-match': '"2", "3"' }), 3), undefined)
  const refused = unlessMatches(asking({ 'if-match': '"2"' }), 3)
  assert.equal(refused?.status, 412)
  assert.equal(refused.headers['etag'], etagOf(3))
  // RFC 9110 §13.1.1: the comparison is the strong one.
  assert.equal(unlessMatches(asking({ 'if-match': 'W/"3"' }), 3)?.status, 412)
})

test('If-None-Match knows a version by its weak tag, too (RFC 9110 §13.1.2)', () => {
  assert.equal(isKnown(asking({}), 3), false)
  assert.equal(isKnown(asking({ 'if-none-match': '"2"' }), 3), false)
  for (const header of ['"3"', 'W/"3"', '"1", "3"', '*'])
    assert.equal(isKnown(asking({ 'if-none-match': header }), 3), true, header)
})
