import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BEYOND_LOGS } from '@rescind/core'
import fc from 'fast-check'
import type { Bearer } from '../../gateway/judge.ts'
import { reviewUser } from './review-user.ts'

const BARE = { kind: 'access', scopes: [], ancestors: [], position: BEYOND_LOGS, expiresAtMs: 0 }

const userOf = (
  source: string,
  subject?: string,
  more: Partial<Bearer> = {},
): ReturnType<typeof reviewUser> =>
  reviewUser({ ...BARE, source, ...(subject === undefined ? {} : { subject }), ...more })

/** The kind: a name that a cluster or another source already uses for another user. */
const NAMES = [
  ['oauth', 'system:kube-controller-manager', 'oauth:system:kube-controller-manager'],
  ['oauth', 'system:serviceaccount:kube-system:default', 'oauth:system:serviceaccount:kube-system:default'],
  ['identity', '10', 'identity:10'],
  ['chat/acme', 'admin', 'chat/acme:admin'],
  ['chat/acme:x', 'y', 'chat/acme%3Ax:y'],
  ['chat/system:masters', 'y', 'chat/system%3Amasters:y'],
  ['iss:https://idp.example', 'system:admin', 'iss:https://idp.example:system:admin'],
  ['iss:https://idp.example:8443/realms/a', 'ann', 'iss:https://idp.example%3A8443/realms/a:ann'],
  ['iss:accounts.example', 'ann', 'iss:accounts.example:ann'],
  ['iss:system:masters', 'ann', 'iss:system%3Amasters:ann'],
  ['iss:a%3Ab', 'ann', 'iss:a%253Ab:ann'],
] as const

test('the user of a TokenReview is named by source and subject, and so are its groups [H7]', () => {
  for (const [source, subject, username] of NAMES) {
    const user = userOf(source, subject)
    assert.equal(user?.username, username)
    assert.equal(user?.uid, username)
    assert.deepEqual(user?.groups, [`${username.slice(0, -subject.length - 1)}:authenticated`])
  }
})

test('a token without a subject has no user, even if a client holds it [H7]', () => {
  assert.equal(userOf('oauth', undefined, { client: 'admin' }), undefined)
  assert.equal(userOf('oauth', '', { client: 'admin' }), undefined)
  assert.equal(userOf('iss:https', '//idp.example:ann'), undefined, 'it would be ann of https://idp.example')
})

test('no two pairs of source and subject have one name, and none begins with system [H7]', () => {
  const piece = fc.constantFrom(
    'a',
    ':',
    '//',
    '://',
    '%',
    '%3A',
    '/',
    'https',
    'system',
    '443',
    'iss',
    'oauth',
  )
  const text = fc.array(piece, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''))
  const source = fc.oneof(
    fc.constantFrom('oauth', 'identity'),
    text.map((app) => `chat/${app}`),
    text.map((issuer) => `iss:${issuer}`),
  )
  const named = new Map<string, string>()
  const property = fc.property(source, text, (from, subject) => {
    const username = userOf(from, subject)?.username
    if (username === undefined) return
    assert.ok(!username.startsWith('system'), username)
    const pair = JSON.stringify([from, subject])
    assert.equal(named.get(username) ?? pair, pair, username)
    named.set(username, pair)
  })
  fc.assert(property, { numRuns: 100_000, seed: 20_261_129 })
})
