import assert from 'node:assert/strict'
import { test } from 'node:test'
import { putRecord } from '@rescind/authority'
import { bodyJson } from '../../test/kit/request.ts'
import {
  accessOf,
  as,
  changeUser,
  openIdentity,
  post,
  putTenant,
  send,
} from '../../test/kit/world-identity.ts'
import { IDENTITY_APP_CREDENTIALS } from './directory/app-credentials.ts'

/** A token of an application credential of the operator `root`, with the role `member` on one project. */
async function openWithCredential() {
  const world = await openIdentity()
  const { realm, ask } = world
  await putTenant(realm, { id: 'p1', name: 'web' })
  const grants = [{ roleId: '1' }, { roleId: 'member', tenantId: 'p1' }]
  await changeUser(realm, 'id-root', { grants })
  const value = {
    id: 'ac',
    userId: 'id-root',
    tenantId: 'p1',
    name: 'ci',
    secretDigest: realm.secretDigest('secret'),
    roleIds: ['member'],
    isUnrestricted: false,
  }
  const put = { collection: IDENTITY_APP_CREDENTIALS, id: 'ac', value, fromVersion: 0 }
  const operations = putRecord(realm, put, { by: 'test', from: 'local', how: 'test' })
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  const identity = {
    methods: ['application_credential'],
    application_credential: { id: 'ac', secret: 'secret' },
  }
  const answer = await ask({ ...post({ auth: { identity } }), path: '/v3/auth/tokens' })
  assert.equal(answer.status, 201, String(answer.body))
  return { ...world, token: answer.headers['x-subject-token'] ?? assert.fail() }
}

test('a token of an application credential carries the credential’s roles, not its user’s', async () => {
  const { ask, token, login } = await openWithCredential()
  const { user } = await accessOf(await ask(as(await login('svc'), 'GET', `/v2.0/tokens/${token}`)))
  assert.deepEqual(
    user.roles.map(({ id }) => id),
    ['member'],
  )
})

test('a token of an application credential has no v2.0 authority, even over its own user', async () => {
  const { ask, token, login } = await openWithCredential()
  const ann = await login('ann')
  for (const [method, path] of [
    ['GET', `/v2.0/tokens/${ann}`],
    ['DELETE', `/v2.0/tokens/${ann}`],
    ['GET', '/v2.0/tokens/revoked'],
    ['GET', '/v2.0/users'],
    ['GET', '/v2.0/users/id-ann'],
    ['DELETE', '/v2.0/users/id-ann'],
    ['GET', '/v2.0/users/id-root/OS-KSADM/credentials'],
    ['PUT', '/v2.0/users/id-root/OS-KSADM/password'],
    ['POST', '/v2.0/users/id-root/RAX-AUTH/multi-factor/otp-devices'],
    ['PUT', '/v2.0/RAX-AUTH/domains/900100/multi-factor'],
    ['POST', '/v2.0/RAX-AUTH/impersonation-tokens'],
    ['PATCH', '/v2.0/OS-KSCRUD/users/id-root'],
    ['POST', '/v2.0/tenants'],
    ['GET', '/v2.0/OS-KSADM/roles'],
    ['DELETE', '/v2.0/OS-KSADM/roles/x'],
    ['GET', '/v2.0/endpoints'],
  ] as const)
    assert.equal((await ask(send(token, method, path, {}))).status, 403, `${method} ${path}`)
  assert.equal((await ask(post({ auth: { token: { id: token } } }))).status, 403)
  assert.equal((await ask(as(token, 'GET', `/v2.0/tokens/${token}`))).status, 200)
  assert.equal((await ask(as(token, 'DELETE', '/v2.0/tokens'))).status, 204)
  assert.deepEqual(Object.keys((await bodyJson(await ask(as(token, 'GET', '/v2.0/tenants')))) as object), [
    'unauthorized',
  ])
})
