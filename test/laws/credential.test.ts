import assert from 'node:assert/strict'
import { test } from 'node:test'
import { issueTokens, mintText, PREFIX, type TokenIntent } from '@rescind/authority'
import { ANY_ACCESS, admit } from '@rescind/core'
import { credentialOf, kindOf, RawToken } from '@rescind/core/tokens'
import { openWorld } from '../kit/realm.ts'
import { onBothStores } from '../kit/stores.ts'

const IDENTITY = { source: 'identity', subject: '77', kind: 'identity' } as const

const OLD_FORMS: Readonly<Record<string, Partial<TokenIntent>>> = {
  'by client and scope': { client: 'setup-mfa', scope: 'SETUP-MFA' },
  'by client alone': { client: 'setup-mfa' },
  'by scope alone': { client: 'single-factor', scope: 'SETUP-MFA' },
  'for a new password': { client: 'password-reset' },
}

// A record whose kind does not say that it is limited must still not be accepted for more than its purpose.
onBothStores('[H13] a record of the old form of a limited token opens nothing', async (store) => {
  const { realm, clock } = await openWorld(store)
  const caller = { id: 'test', from: 'local', dependency: { realm: realm.ordinal, facts: factsNow() } }
  function factsNow() {
    return {
      source: 'identity',
      ancestors: [],
      position: realm.position(),
      expiresAtMs: Number.MAX_SAFE_INTEGER,
    }
  }
  for (const [name, form] of Object.entries(OLD_FORMS)) {
    const raw = mintText(PREFIX.identity, realm.random)
    const token = { ...IDENTITY, ...form, raw, expiresAtMs: clock.wallMs() + 60_000 }
    assert.equal(
      (await issueTokens(realm, { judgedAt: realm.position(), caller, tokens: [token] })).kind,
      'issued',
    )
    const { record, verdict } = await realm.find(RawToken.parse(raw.reveal()) ?? assert.fail(), 'identity')
    assert.ok(record !== undefined && verdict.kind === 'active', name)
    assert.equal(record.kind, 'identity', 'as it was written')
    assert.equal(kindOf(record), 'limited', name)
    assert.deepEqual(admit(credentialOf(record), ANY_ACCESS), { kind: 'refused', why: 'kind' }, name)
  }
})

test('[H13] an OAuth token’s scope and client do not make it a limited one', () => {
  const record = { kind: 'access', client: 'setup-mfa', scope: 'SETUP-MFA' }
  assert.equal(kindOf(record as Parameters<typeof kindOf>[0]), 'access')
})
