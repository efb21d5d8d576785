import assert from 'node:assert/strict'
import type { Store } from '@rescind/authority'
import { type Ask, bodyJson } from '../../test/kit/request.ts'
import { onBothStores } from '../../test/kit/stores.ts'
import {
  accessOf,
  apiKeyLogin,
  as,
  changeUser,
  passwordLogin,
  post,
  send as send2,
} from '../../test/kit/world-identity.ts'
import {
  byToken,
  inProject,
  logIn,
  openV3,
  send as send3,
  subjectToken,
  type V3World,
} from '../../test/kit/world-identity-v3.ts'
import { put } from './directory/changes.ts'
import { IDENTITY_ACCOUNTS } from './directory/domains.ts'
import { seededMfa } from './directory/mfa.ts'
import { writeDirectory } from './directory/write.ts'
import { codeAt, decodeBase32 } from './session/totp.ts'

// One factor must not change what two factors protect. `lead` is an operator, so that v3 lets it change itself, and
// belongs to account 900100.

const SEED = 'JBSWY3DPEHPK3PXP'
const USER = '/v2.0/users/lead'
const MFA = `${USER}/RAX-AUTH/multi-factor`
const KEYS = `${USER}/OS-KSADM/credentials`
const DEVICES = '/RAX-AUTH/multi-factor/otp-devices'
const DEVICE = { 'RAX-AUTH:otpDevice': { name: 'thief' } }

/** On the given store, or on a new one for cases with several worlds. */
const openedOn = (store: Store | undefined): Promise<V3World> =>
  store === undefined ? openV3() : openV3({ store })

async function opened(store?: Store): Promise<V3World> {
  const world = await openedOn(store)
  const { realm } = world
  const mfa = seededMfa(realm, 'lead', { isEnabled: true, enforcement: 'DEFAULT', totpBase32: SEED })
  const phones = [{ id: 'p', number: '+1 555 0100', isVerified: true }]
  const grants = [{ roleId: '1' }, { roleId: 'member', tenantId: 'team' }]
  const key = { apiKeyDigest: realm.secretDigest('key-lead') }
  await changeUser(realm, 'lead', {
    mfa: { ...mfa, phones },
    grants,
    accountId: '900100',
    tenantId: 'team',
    ...key,
  })
  return world
}

const apiKey = async ({ ask }: V3World, name = 'lead-name', key = 'key-lead'): Promise<string> => {
  const credentials = { 'RAX-KSKEY:apiKeyCredentials': { username: name, apiKey: key } }
  return (await accessOf(await ask(post({ auth: credentials })))).token.id
}

/** One-factor tokens of a user with two factors. */
const ONE_FACTOR: Readonly<Record<string, (world: V3World) => Promise<string>>> = {
  'an API key': apiKey,
  'an API key, rescoped in v2.0': async (world) => {
    const id = await apiKey(world)
    return (await accessOf(await world.ask(post({ auth: { token: { id }, tenantId: 'team' } })))).token.id
  },
  'an API key, rescoped to the system in v3': async (world) =>
    subjectToken(await world.ask(byToken(await apiKey(world), { system: { all: true } }))),
  'an API key, with the password beside it': async (world) => {
    const token = { id: await apiKey(world) }
    const password = { user: { id: 'lead', password: 'pw-lead' } }
    const both = logIn({ methods: ['token', 'password'], token, password }, inProject('team'))
    return subjectToken(await world.ask(both))
  },
}

/** Calls that remove or replace a factor, change who can, or create another way in. */
function guardedAsks(token: string): readonly Ask[] {
  const v2 = (method: string, path: string, body?: unknown): Ask => send2(token, method, path, body)
  const v3 = (method: string, path: string, body?: unknown): Ask =>
    send3(method, path, { as: token, ...(body === undefined ? {} : { body }) })
  const password = { user: { password: 'new-password' } }
  return [
    v2('DELETE', MFA),
    v2('PUT', MFA, { 'RAX-AUTH:multiFactor': { enabled: false } }),
    v2('PUT', MFA, { 'RAX-AUTH:multiFactor': { userMultiFactorEnforcementLevel: 'OPTIONAL' } }),
    v2('PUT', '/v2.0/RAX-AUTH/domains/900100/multi-factor', {
      'RAX-AUTH:multiFactorDomain': { domainMultiFactorEnforcementLevel: 'OPTIONAL' },
    }),
    v2('POST', `${MFA}/otp-devices`, DEVICE),
    v2('DELETE', `${MFA}/otp-devices/seed`),
    v2('POST', `${MFA}/otp-devices/seed/verify`, { 'RAX-AUTH:verificationCode': { code: '000000' } }),
    v2('POST', `${MFA}/mobile-phones`, { 'RAX-AUTH:mobilePhone': { number: '+1 555 0199' } }),
    v2('DELETE', `${MFA}/mobile-phones/p`),
    v2('PUT', `${USER}/OS-KSADM/password`, password),
    v2('POST', USER, password),
    v2('PUT', USER, { user: { email: 'thief@example.org' } }),
    v2('PUT', USER, { user: { username: 'moved' } }),
    v2('POST', KEYS, { passwordCredentials: { password: 'new' } }),
    v2('POST', KEYS, { 'RAX-KSKEY:apiKeyCredentials': { apiKey: 'new' } }),
    v2('GET', `${KEYS}/RAX-KSKEY:apiKeyCredentials`),
    v2('DELETE', `${KEYS}/RAX-KSKEY:apiKeyCredentials`),
    v2('POST', `${KEYS}/RAX-KSKEY:apiKeyCredentials/RAX-AUTH/reset`),
    v2('PATCH', '/v2.0/OS-KSCRUD/users/lead', { user: { password: 'new', original_password: 'pw-lead' } }),
    v3('PATCH', '/v3/users/lead', password),
    v3('PATCH', '/v3/users/lead', { user: { email: 'thief@example.org' } }),
    v3('PATCH', '/v3/users/lead', { user: { default_project_id: 'lab' } }),
    v3('POST', '/v3/users/lead/password', { user: { password: 'new', original_password: 'pw-lead' } }),
    v3('POST', '/v3/users/lead/application_credentials', { application_credential: { name: 'way-in' } }),
  ]
}

for (const [what, make] of Object.entries(ONE_FACTOR))
  onBothStores(`[H23] the token of ${what} touches no factor of a user with two`, async (store) => {
    const world = await opened(store)
    const token = await make(world)
    for (const given of guardedAsks(token)) {
      const { status, body } = await world.ask(given)
      assert.equal(status, 403, `${given.method} ${given.path}: ${String(body)}`)
    }
    assert.equal((await world.ask(passwordLogin('lead-name'))).status, 401)
    assert.equal((await world.ask(as(token, 'GET', '/v2.0/tenants'))).status, 200, 'it serves for all else')
  })

async function bothFactors({ ask, clock }: V3World): Promise<string> {
  const login = post({ auth: { passwordCredentials: { username: 'lead-name', password: 'pw-lead' } } })
  const challenge = (await ask(login)).headers['www-authenticate'] ?? ''
  const [, session = ''] = /sessionId='([^']+)'/.exec(challenge) ?? []
  const code = codeAt(decodeBase32(SEED) ?? assert.fail(), Math.floor(clock.wallMs() / 30_000))
  clock.advance(30_000)
  const second = post({ auth: { 'RAX-AUTH:passcodeCredentials': { passcode: code } } })
  return (await accessOf(await ask({ ...second, headers: { ...second.headers, 'x-sessionid': session } })))
    .token.id
}

onBothStores('[H23] the token of both factors does all of it, rescoped too', async (store) => {
  const count = guardedAsks('').length
  for (let at = 0; at < count; at += 1) {
    const world = await opened(at === 0 ? store : undefined)
    const token = await bothFactors(world)
    const asked = guardedAsks(token)[at] ?? assert.fail()
    const { status, body } = await world.ask(asked)
    const isAnswered = status < 300 || (asked.path.endsWith('/verify') && status === 401) || status === 404
    assert.ok(isAnswered, `${asked.method} ${asked.path}: ${status} ${String(body)}`)
  }
})

onBothStores(
  '[H23] the old password alone does not change the password of a user with two factors',
  async (store) => {
    const { ask, ...world } = await opened(store)
    const change = {
      'RAX-AUTH:changePasswordCredentials': {
        username: 'lead-name',
        password: 'pw-lead',
        newPassword: 'new',
      },
    }
    const path = '/v2.0/users/RAX-AUTH/change-pwd'
    assert.equal((await ask(send2('', 'POST', path, change))).status, 403)
    const v3 = { body: { user: { password: 'new', original_password: 'pw-lead' } } }
    assert.equal((await ask(send3('POST', '/v3/users/lead/password', v3))).status, 403)
    const others = await world.enter('chief')
    assert.equal((await ask(send3('POST', '/v3/users/lead/password', { ...v3, as: others }))).status, 403)
    const own = await bothFactors({ ask, ...world })
    assert.equal((await ask(send3('POST', '/v3/users/lead/password', { ...v3, as: own }))).status, 204)
  },
)

onBothStores('[H23] an API key cannot enrol a user who must use MFA and has not set it up', async (store) => {
  for (const demand of ['user', 'account'] as const) {
    const world = await openedOn(demand === 'user' ? store : undefined)
    const { ask } = world
    await demandMfa(world, demand)
    const token = (await accessOf(await ask(apiKeyLogin('bob')))).token.id
    for (const given of [
      send2(token, 'POST', `/v2.0/users/id-bob${DEVICES}`, DEVICE),
      send2(token, 'PUT', '/v2.0/users/id-bob/OS-KSADM/password', { user: { password: 'new' } }),
      send2(token, 'POST', '/v2.0/users/id-bob', { user: { email: 'thief@example.org' } }),
    ])
      assert.equal((await ask(given)).status, 403, `${demand}: ${given.path}`)
    const setup = passwordLogin('bob', { 'RAX-AUTH:scope': 'SETUP-MFA' })
    const own = (await accessOf(await ask(setup))).token.id
    assert.equal((await ask(send2(own, 'POST', `/v2.0/users/id-bob${DEVICES}`, DEVICE))).status, 201, demand)
  }
})

async function demandMfa({ realm }: V3World, by: 'user' | 'account'): Promise<void> {
  if (by === 'user') {
    const mfa = { isEnabled: false, enforcement: 'REQUIRED', otpDevices: [], phones: [] } as const
    return changeUser(realm, 'id-bob', { mfa })
  }
  const state = await realm.directory.state(IDENTITY_ACCOUNTS, '900100')
  const after = { id: '900100', mfaEnforcement: 'REQUIRED' } as const
  const facts = {
    source: 'identity',
    ancestors: [],
    position: realm.position(),
    expiresAtMs: Number.MAX_SAFE_INTEGER,
  }
  await writeDirectory(realm, [put('account', '900100', { state, after })], {
    caller: { id: 'test', from: 'local', dependency: { realm: realm.ordinal, facts } },
    how: 'test',
  })
}

onBothStores(
  '[H23] a governing user ends a lock-out with as many factors as it must use itself',
  async (store) => {
    const world = await opened(store)
    const { ask, realm, login } = world
    const mfa = seededMfa(realm, 'id-ann', { isEnabled: true, enforcement: 'DEFAULT', totpBase32: SEED })
    await changeUser(realm, 'id-ann', { mfa })
    const ANN = '/v2.0/users/id-ann'
    const acts = (token: string): readonly Ask[] => [
      send2(token, 'PUT', `${ANN}/OS-KSADM/password`, { user: { password: 'pw-ann' } }),
      send2(token, 'POST', `${ANN}/OS-KSADM/credentials/RAX-KSKEY:apiKeyCredentials/RAX-AUTH/reset`),
      as(token, 'DELETE', `${ANN}/RAX-AUTH/multi-factor`),
    ]
    const halfOfTwo = await apiKey(world)
    for (const given of acts(halfOfTwo)) assert.equal((await ask(given)).status, 403, given.path)
    const other = send2(halfOfTwo, 'PUT', '/v2.0/users/id-bob/OS-KSADM/password', {
      user: { password: 'pw-bob' },
    })
    assert.equal((await ask(other)).status, 200, 'bob has one factor, so one is enough')
    const owner = await login('owner')
    for (const given of acts(owner)) assert.ok((await ask(given)).status < 300, given.path)
    const document = await bodyJson(await ask(passwordLogin('ann')))
    assert.ok('access' in (document as object))
  },
)
