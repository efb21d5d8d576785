import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorld } from '../../../test/kit/realm.ts'
import { openIdentity, putTenant } from '../../../test/kit/world-identity.ts'
import { accountOf, identityUserValue, tenantById, unsealApiKey } from './directory.ts'

const ANN = { id: 'u1', username: 'ann', roles: ['identity:default'], enabled: true }

test('an API key is stored as a digest and sealed, never in clear text', async () => {
  const { realm } = await openWorld()
  const user = identityUserValue(realm, { ...ANN, apiKey: 'a-secret-key' })
  assert.ok(!JSON.stringify(user).includes('a-secret-key'))
  assert.ok(!JSON.stringify(user).includes(Buffer.from('a-secret-key').toString('base64url')))
  assert.equal(user.apiKeyDigest, realm.secretDigest('a-secret-key'))
  assert.equal(unsealApiKey(realm, user), 'a-secret-key')
})

test('a sealed API key opens for its own user only', async () => {
  const { realm } = await openWorld()
  const user = identityUserValue(realm, { ...ANN, apiKey: 'a-secret-key' })
  assert.equal(unsealApiKey(realm, { ...user, id: 'u2' }), undefined)
  assert.equal(unsealApiKey(realm, identityUserValue(realm, ANN)), undefined)
})

test('the account defaults to the tenant, and may be missing', async () => {
  const { realm } = await openWorld()
  assert.equal(accountOf(identityUserValue(realm, ANN)), undefined)
  assert.equal(accountOf(identityUserValue(realm, { ...ANN, tenantId: 't' })), 't')
  assert.equal(accountOf(identityUserValue(realm, { ...ANN, tenantId: 't', accountId: 'a' })), 'a')
})

test('a user without a domain is in "default"', async () => {
  const { realm } = await openWorld()
  assert.equal(identityUserValue(realm, ANN).domainId, 'default')
  assert.equal(identityUserValue(realm, { ...ANN, domainId: 'd' }).domainId, 'd')
})

test('a tenant that was never recorded is named by its id; a recorded one by its name', async () => {
  const { realm } = await openIdentity()
  assert.deepEqual(await tenantById(realm, '77'), { id: '77', name: '77', enabled: true })
  await putTenant(realm, { id: '77', name: 'seventy-seven', enabled: false })
  assert.deepEqual(await tenantById(realm, '77'), { id: '77', name: 'seventy-seven', enabled: false })
})
