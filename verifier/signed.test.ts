import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needActiveKey, publishedKeys } from '@rescind/authority'
import { type Ancestor, grantOf, mintHandle } from '@rescind/core'
import { ACCESS_TOKEN_TYP, importPublicJwk, judgingClaims, RawToken, signJws } from '@rescind/core/tokens'
import { openWorld } from '../test/kit/realm.ts'
import { SignedTexts } from './signed.ts'

test('[H15] a JWT whose ancestors lack the ids by which they could be ended is left to the server', async () => {
  const { realm } = await openWorld()
  const { signing } = await needActiveKey(realm, 'ES256')
  const keys = (await publishedKeys(realm)).flatMap((jwk) => importPublicJwk(jwk) ?? [])
  const texts = new SignedTexts()
  texts.configure({ text: '', digestKey: '', floorMs: 0, keys, issuers: [] })
  const [handle, actor] = [mintHandle(realm.random), mintHandle(realm.random)]
  const times = { position: realm.position(), expiresAtMs: realm.nowMs() + 60_000, issuedAtMs: realm.nowMs() }
  const before: Ancestor = { source: 'oauth', client: 'actor', handle: actor, ...times }
  const read = (ancestors: readonly Ancestor[]): string => {
    const facts = { source: 'oauth', handle, grant: grantOf(handle), ancestors, ...times }
    const claims = { iat: times.issuedAtMs / 1_000, exp: times.expiresAtMs / 1_000, ...judgingClaims(facts) }
    const raw = RawToken.parse(signJws(claims, ACCESS_TOKEN_TYP, signing))
    assert.ok(raw !== undefined)
    return texts.read(raw, realm.nowMs()).kind
  }
  const whole = { ...before, grant: grantOf(actor) }
  assert.equal(read([]), 'known')
  assert.equal(read([whole]), 'known')
  assert.equal(read([before]), 'opaque')
  assert.equal(read([whole, before]), 'opaque')
})
