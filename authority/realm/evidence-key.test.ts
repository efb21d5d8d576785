import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RealmName } from '@rescind/core'
import { importPublicJwk } from '@rescind/core/tokens'
import { SeededRandom } from '../../test/kit/seeded-random.ts'
import { signDetached, verifyDetached } from '../keys/detached-jws.ts'
import { evidenceKeyOf } from './evidence-key.ts'
import { makeRealmKeys, unwrapRealmKeys, wrapRealmKeys } from './realm-keys.ts'

const REALM = 'default' as RealmName

test('a realm keeps its evidence key when the master key is changed, and shares it with no other realm', () => {
  const random = new SeededRandom()
  const keys = makeRealmKeys(random)
  const { signing } = evidenceKeyOf(keys.sealKey)
  for (const byte of [1, 2]) {
    const master = { bytes: Buffer.alloc(32, byte) }
    const opened = unwrapRealmKeys(wrapRealmKeys(keys, { realm: REALM, master, random }), REALM, master)
    assert.equal(evidenceKeyOf(opened.sealKey).signing.keyId, signing.keyId)
  }
  assert.notEqual(evidenceKeyOf(makeRealmKeys(random).sealKey).signing.keyId, signing.keyId)
})

test('what is published of it verifies what it signs, as evidence and as nothing else', () => {
  const { signing, publicJwk } = evidenceKeyOf(makeRealmKeys(new SeededRandom()).sealKey)
  assert.deepEqual(Object.keys(publicJwk).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x'])
  const key = importPublicJwk(publicJwk, 'EdDSA') ?? assert.fail()
  const jws = signDetached('what happened', 'evidence', signing)
  assert.equal(jws, signDetached('what happened', 'evidence', signing), 'the signature is always the same')
  assert.ok(verifyDetached(jws, { payload: 'what happened', typ: 'evidence' }, key))
  for (const [text, payload, typ] of [
    [jws, 'what happened.', 'evidence'],
    [jws, 'what happened', 'at+jwt'],
    [`${jws}A`, 'what happened', 'evidence'],
    [jws.replace('..', '.eyJ9.'), 'what happened', 'evidence'],
    ['', 'what happened', 'evidence'],
  ] as const)
    assert.equal(verifyDetached(text, { payload, typ }, key), false)
})
