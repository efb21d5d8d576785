import assert from 'node:assert/strict'
import { issueTokens, mintText, PREFIX, type Store } from '@rescind/authority'
import { kindOf, RawToken } from '@rescind/core/tokens'
import { onBothStores } from '../../../test/kit/stores.ts'
import {
  accessOf,
  as,
  changeUser,
  passwordLogin,
  post,
  send as send2,
} from '../../../test/kit/world-identity.ts'
import { byToken, logIn, openV3, send as send3, type V3World } from '../../../test/kit/world-identity-v3.ts'

// A token made for one purpose, presented wherever a token is read: as the caller, as the subject, as the parent of
// another token. Records in the form of earlier versions count too.

const FORMS: Readonly<Record<string, (world: V3World) => Promise<string>>> = {
  today: async ({ ask }) =>
    (await accessOf(await ask(passwordLogin('ann', { 'RAX-AUTH:scope': 'SETUP-MFA' })))).token.id,
  earlier: ({ realm }) => written(realm, 'setup-mfa'),
  'earlier, for a new password': ({ realm }) => written(realm, 'password-reset'),
}

async function written(realm: V3World['realm'], client: string): Promise<string> {
  const raw = mintText(PREFIX.identity, realm.random)
  const judgedAt = realm.position()
  const facts = {
    source: 'identity',
    ancestors: [],
    position: judgedAt,
    expiresAtMs: Number.MAX_SAFE_INTEGER,
  }
  const issued = await issueTokens(realm, {
    judgedAt,
    caller: { id: 'test', from: 'local', dependency: { realm: realm.ordinal, facts } },
    tokens: [
      {
        source: 'identity',
        subject: 'id-ann',
        kind: 'identity',
        client,
        raw,
        expiresAtMs: realm.nowMs() + 60_000,
        authenticatedBy: ['PASSWORD'],
        ...(client === 'setup-mfa' ? { scope: 'SETUP-MFA' } : {}),
        claims: { account: '900100' },
      },
    ],
  })
  assert.equal(issued.kind, 'issued')
  return raw.reveal()
}

const MFA = '/v2.0/users/id-ann/RAX-AUTH/multi-factor'

function onEachForm(name: string, run: (world: V3World, token: string, form: string) => Promise<void>): void {
  for (const [form, make] of Object.entries(FORMS))
    onBothStores(`${name} (${form})`, async (store: Store) => {
      const world = await openV3({ store })
      await run(world, await make(world), form)
    })
}

onEachForm('[H13] a limited token is of that kind', async ({ realm }, token) => {
  const { record } = await realm.find(RawToken.parse(token) ?? assert.fail(), 'identity')
  assert.equal(kindOf(record ?? assert.fail()), 'limited')
})

onEachForm('[H13] a limited token calls nothing but what it was made for', async ({ ask }, token, form) => {
  const setsUp = form !== 'earlier, for a new password'
  for (const given of [
    as(token, 'GET', `/v2.0/tokens/${token}`),
    as(token, 'GET', '/v2.0/users/id-ann'),
    as(token, 'GET', '/v2.0/tenants'),
    as(token, 'GET', '/v2.0/users/id-ann/OS-KSADM/credentials'),
    send2(token, 'PUT', '/v2.0/users/id-ann/OS-KSADM/password', { user: { password: 'new' } }),
    send2(token, 'PATCH', '/v2.0/OS-KSCRUD/users/id-ann', {
      user: { password: 'new', original_password: 'pw-ann' },
    }),
    send2(token, 'POST', '/v2.0/RAX-AUTH/impersonation-tokens', {
      'RAX-AUTH:impersonation': { user: { username: 'bob' } },
    }),
    as(token, 'DELETE', MFA),
    send3('GET', '/v3/auth/tokens', { as: token, about: token }),
    send3('GET', '/v3/auth/projects', { as: token }),
    send3('GET', '/v3/users/id-ann', { as: token }),
    send3('POST', '/v3/users/id-ann/password', {
      as: token,
      body: { user: { password: 'new', original_password: 'pw-ann' } },
    }),
    send3('POST', '/v3/users/id-ann/application_credentials', {
      as: token,
      body: { application_credential: { name: 'ci' } },
    }),
  ])
    assert.equal((await ask(given)).status, 403, `${given.method} ${given.path}`)
  const added = send2(token, 'POST', `${MFA}/otp-devices`, { 'RAX-AUTH:otpDevice': { name: 'app' } })
  assert.equal((await ask(added)).status, setsUp ? 201 : 403)
})

onEachForm(
  '[H13] a limited token does not validate, so no resource server accepts it',
  async (world, token) => {
    const { ask, login, enter } = world
    const [root, chief, nova] = [await login('root'), await enter('chief'), await enter('nova')]
    for (const given of [
      as(root, 'GET', `/v2.0/tokens/${token}`),
      as(root, 'HEAD', `/v2.0/tokens/${token}`),
      as(root, 'GET', `/v2.0/tokens/${token}/endpoints`),
      send3('GET', '/v3/auth/tokens', { as: chief, about: token }),
      send3('GET', '/v3/auth/tokens', { as: nova, about: token }),
      send3('GET', '/v3/auth/tokens', { as: chief, about: token, query: 'allow_expired=1' }),
    ])
      assert.equal((await ask(given)).status, 404, `${given.method} ${given.path}`)
  },
)

onEachForm('[H13] nothing is made from a limited token', async ({ ask }, token) => {
  assert.equal((await ask(post({ auth: { token: { id: token } } }))).status, 403)
  assert.equal((await ask(byToken(token))).status, 401)
  const both = logIn({
    methods: ['password', 'token'],
    password: { user: { id: 'id-ann', password: 'pw-ann' } },
    token: { id: token },
  })
  assert.equal((await ask(both)).status, 401)
})

onEachForm(
  '[H13] a limited token can be revoked by itself and by a user who governs its user',
  async (world, token) => {
    const { ask, login } = world
    const root = await login('root')
    assert.equal((await ask(as(root, 'DELETE', `/v2.0/tokens/${token}`))).status, 204)
    assert.equal((await ask(as(token, 'GET', MFA))).status, 405)
    assert.equal((await ask(as(token, 'GET', `${MFA}/otp-devices`))).status, 401)
  },
)

onEachForm('[H13] a limited token opens nothing once its user has set up MFA', async (world, token) => {
  const { ask, realm } = world
  const phones = [{ id: 'p', number: '+1 555 0100', isVerified: true }]
  await changeUser(realm, 'id-ann', {
    mfa: { isEnabled: true, enforcement: 'DEFAULT', otpDevices: [], phones },
  })
  for (const given of [
    send2(token, 'PUT', MFA, { 'RAX-AUTH:multiFactor': { enabled: false } }),
    send2(token, 'POST', `${MFA}/otp-devices`, { 'RAX-AUTH:otpDevice': { name: 'thief' } }),
    as(token, 'DELETE', `${MFA}/mobile-phones/p`),
    as(token, 'DELETE', MFA),
  ])
    assert.equal((await ask(given)).status, 403, `${given.method} ${given.path}`)
})
