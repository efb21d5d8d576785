import assert from 'node:assert/strict'
import { test } from 'node:test'
import { revokePrincipals } from '@rescind/authority'
import { BEYOND_LOGS, seqOf } from '@rescind/core'
import { actOf } from '../../test/kit/acts.ts'
import { openWorld } from '../../test/kit/realm.ts'
import { createCheck } from './check.ts'
import type { Bearer } from './judge.ts'

const BEARER: Bearer = {
  kind: 'access',
  source: 'oauth',
  scopes: [],
  ancestors: [],
  position: BEYOND_LOGS,
  expiresAtMs: 1_772_370_000_999,
}

test('X-Revocation-Epoch names no later position than the one at which the credential was judged', async () => {
  const { realm } = await openWorld()
  const before = seqOf(realm.position())
  const check = createCheck(async () => {
    // A revocation is written while the verdict is being made.
    await revokePrincipals(realm, { shape: 'source', principals: { source: 'oauth' } }, actOf(realm))
    return { verdict: { kind: 'active' }, bearer: BEARER }
  })
  const answer = await check.handle(realm, { path: '/check', values: () => ['Bearer some-token'] })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['x-revocation-epoch'], `1.${before}`)
  assert.equal(seqOf(realm.position()), before + 1)
})
