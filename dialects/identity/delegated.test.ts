import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RawToken } from '@rescind/core/tokens'
import type { Answer } from '@rescind/dialects'
import { CASES, type Decision, SECRET_SEED } from '../../test/kit/identity-delegated.ts'
import { type Ask, bodyJson } from '../../test/kit/request.ts'
import { onBothStores } from '../../test/kit/stores.ts'
import { accessOf, append, changeUser, post, send as send2 } from '../../test/kit/world-identity.ts'
import {
  byToken,
  inDomain,
  inProject,
  logIn,
  openV3,
  SYSTEM,
  subjectToken,
  type V3World,
} from '../../test/kit/world-identity-v3.ts'
import { IDENTITY_APP_CREDENTIALS } from './directory/app-credentials.ts'
import { seededMfa } from './directory/mfa.ts'
import { accountOf, IDENTITY_USERS } from './directory/users.ts'
import { V2_ROUTES } from './v2/routes.ts'
import { V3_ROUTES } from './v3/routes.ts'

// A delegated token must make nothing permanent, on any route. Every route of both versions is called with every kind
// of delegated token. The routes come from the routers' tables, so a new route fails here until it has been decided.

test('there is a decision for every method of every route of both versions', () => {
  const all = [...V2_ROUTES, ...V3_ROUTES].flatMap(({ template, methods }) =>
    [...methods.keys()].filter((method) => method !== 'HEAD').map((method) => `${method} ${template}`),
  )
  assert.deepEqual([...all].sort(), Object.keys(CASES).sort())
})

type World = V3World & { readonly ids: Readonly<Record<string, string>> }
type Made = { readonly id: string; readonly secret: string }

async function credentialBy(world: V3World, { of, token, ...given }: Credential): Promise<Made> {
  const body = {
    application_credential: { name: `made-${world.realm.random.bytes(4).toString('hex')}`, ...given },
  }
  const answer = await world.ask(send2(token, 'POST', `/v3/users/${of}/application_credentials`, body))
  assert.equal(answer.status, 201, String(answer.body))
  return ((await bodyJson(answer)) as { application_credential: Made }).application_credential
}
type Credential = {
  readonly of: string
  readonly token: string
  readonly unrestricted?: boolean
  readonly expires_at?: string
}

function withCredential(world: V3World, { id, secret }: Made): Promise<string> {
  const identity = { methods: ['application_credential'], application_credential: { id, secret } }
  return world.ask(logIn(identity)).then(subjectToken)
}

/** `bob` has a device, a phone and an API key; `boss`, an operator who has an account, and `pia` have credentials. */
async function opened(options: Parameters<typeof openV3>[0]): Promise<World> {
  const world = await openV3(options)
  const { realm } = world
  const mfa = seededMfa(realm, 'id-bob', {
    isEnabled: false,
    enforcement: 'DEFAULT',
    totpBase32: SECRET_SEED,
  })
  const phones = [{ id: 'p', number: '+1 555 0100', isVerified: true }]
  const grants = [{ roleId: '2' }, { roleId: 'reader', tenantId: '900100' }]
  await changeUser(realm, 'id-bob', { mfa: { ...mfa, phones }, grants })
  await changeUser(realm, 'boss', { accountId: '900100' })
  const other = await credentialBy(world, { of: 'boss', token: await world.enter('boss') })
  const pias = await credentialBy(world, { of: 'pia', token: await world.enter('pia') })
  return { ...world, ids: { OTHER: other.id, PIAS: pias.id } }
}

async function impersonating(world: V3World): Promise<string> {
  const body = { 'RAX-AUTH:impersonation': { user: { username: 'boss-name' } } }
  const svc = await world.login('svc')
  return (await accessOf(await world.ask(send2(svc, 'POST', '/v2.0/RAX-AUTH/impersonation-tokens', body))))
    .token.id
}

async function byCredential(world: V3World, unrestricted: boolean): Promise<string> {
  const token = await world.enter('boss')
  return withCredential(world, await credentialBy(world, { of: 'boss', token, unrestricted }))
}

const rescopedV2 = async (world: V3World, id: string, beside = {}): Promise<string> =>
  (await accessOf(await world.ask(post({ auth: { token: { id }, ...beside } })))).token.id

/** Every kind of delegated token that Identity accepts. Exchanged tokens belong to OAuth and are useless here. */
const KINDS: Readonly<Record<string, { may?: Decision; make(world: V3World): Promise<string> }>> = {
  impersonation: { make: impersonating },
  'impersonation, rescoped in v2.0': { make: async (world) => rescopedV2(world, await impersonating(world)) },
  'impersonation, rescoped to the project in v3': {
    make: async (world) =>
      subjectToken(await world.ask(byToken(await impersonating(world), inProject('team')))),
  },
  'impersonation, rescoped to the system in v3': {
    make: async (world) => subjectToken(await world.ask(byToken(await impersonating(world), SYSTEM))),
  },
  'impersonation, rescoped to a domain and back': {
    make: async (world) => {
      const inBlue = await subjectToken(
        await world.ask(byToken(await impersonating(world), inDomain('blue'))),
      )
      return rescopedV2(world, inBlue, { tenantId: 'team' })
    },
  },
  'application credential': { make: (world) => byCredential(world, false) },
  'unrestricted application credential': {
    may: 'app-credential',
    make: (world) => byCredential(world, true),
  },
  'credential made by an unrestricted one': {
    make: async (world) => {
      const token = await byCredential(world, true)
      return withCredential(world, await credentialBy(world, { of: 'boss', token }))
    },
  },
}

async function standing({ realm }: V3World): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for await (const { id, value } of realm.directory.all(IDENTITY_USERS)) {
    const { passwordHash, apiKeyDigest, mfa, email, username, tenantId } = value
    found.set(id, JSON.stringify([passwordHash, apiKeyDigest, mfa, email, username, accountOf(value)]))
    if (tenantId !== undefined) found.set(`${id} in ${tenantId}`, '')
    for (const grant of value.grants) found.set(`${id} has ${JSON.stringify(grant)}`, '')
  }
  for await (const { id } of realm.directory.all(IDENTITY_APP_CREDENTIALS)) found.set(`credential ${id}`, '')
  return found
}

/** Names of the things that were added or changed. Removed users and roles do not count. */
function added(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): readonly string[] {
  return [...now].filter(([name, value]) => before.get(name) !== value).map(([name]) => name)
}

type Filling = {
  readonly name: string
  readonly token: string
  readonly ids: Readonly<Record<string, string>>
}

function asks({ name, token, ids }: Filling): readonly Ask[] {
  const [method = ''] = name.split(' ')
  const named = (text: string): string =>
    text.replaceAll('OWN', token).replaceAll(/OTHER|PIAS/g, (id) => ids[id] ?? id)
  return (CASES[name]?.asks ?? []).map(([path, body]) => {
    const ask = send2(token, method, named(path), body)
    return {
      ...ask,
      headers: { ...ask.headers, 'x-subject-token': token },
      ...(ask.body === undefined ? {} : { body: named(String(ask.body)) }),
    }
  })
}

const SECRETS = ['key-bob', 'key-boss', SECRET_SEED, 'otpauth:']

for (const chainRevocation of [false, true])
  for (const [kind, { may, make }] of Object.entries(KINDS))
    test(`[H9] every route asked by: ${kind}${chainRevocation ? ', with chain revocation' : ''}`, async () => {
      let world = await opened({ chainRevocation })
      let token = await make(world)
      let before = await standing(world)
      for (const [name, { is }] of Object.entries(CASES))
        for (let at = 0; at < (CASES[name]?.asks.length ?? 0); at += 1) {
          const ask = asks({ name, token, ids: world.ids })[at] ?? assert.fail()
          const answer = await world.ask(ask)
          const what = `${ask.method} ${ask.path} ${String(ask.body ?? '')}: ${answer.status} ${String(answer.body)}`
          const isAllowed = is === 'free' || is === may
          if (!isAllowed) assert.equal(answer.status, 403, what)
          if (is === may) assert.ok(answer.status < 300, what)
          const now = await standing(world)
          if (is !== may) assert.deepEqual(added(before, now), [], what)
          for (const secret of SECRETS) assert.ok(!String(answer.body).includes(secret), what)
          // After a call that changed something or ended the token, start with a fresh world.
          if (answer.status >= 300 || ask.method === 'GET') continue
          world = await opened({ chainRevocation })
          token = await make(world)
          before = await standing(world)
        }
    })

test('[H9] calls are refused only because of delegation: the user itself may make all of them', async () => {
  for (const [name, { is }] of Object.entries(CASES)) {
    if (is === 'free' || name.endsWith('pwd-reset')) continue
    const world = await opened({})
    const token = await world.enter('boss')
    const [ask] = asks({ name, token, ids: world.ids })
    const { status, body }: Answer = await world.ask(ask ?? assert.fail())
    // The passcode in these calls is wrong, which is 401.
    const isCode = name.endsWith('/verify')
    assert.ok(isCode ? status === 401 : status < 300, `${name}: ${status} ${String(body)}`)
  }
})

test('[E04] [H9] a delegated token keeps its mark and its end through every rescoping', async () => {
  for (const [kind, { make }] of Object.entries(KINDS)) {
    const world = await opened({})
    const { record } = await world.realm.find(await raw(world, make), 'identity')
    const expected = kind.includes('credential') ? 'app-credential' : 'impersonation'
    assert.equal(record?.delegated, expected, kind)
    assert.ok((record?.expiresAtMs ?? Infinity) <= world.realm.nowMs() + 86_400_000, kind)
  }
})

async function raw(world: V3World, make: (world: V3World) => Promise<string>) {
  return RawToken.parse(await make(world)) ?? assert.fail()
}

onBothStores('[H9] a suspended token is 401 on every route except for ending itself', async (store) => {
  const world = await openV3({ store })
  const token = await world.enter('boss')
  const principals = { source: 'identity', subject: 'boss' }
  await append(world.realm, {
    kind: 'hold',
    id: 'h',
    target: { kind: 'cut', shape: 'subject', principals },
  })
  const open = ['GET /', 'GET /v2.0', 'GET /v2.0/extensions', 'GET /v2.0/extensions/{alias}', 'GET /v3']
  const bodyFirst = ['change-pwd', 'forgot-pwd']
  for (const name of Object.keys(CASES)) {
    // This list is 403 for everybody.
    if (name.endsWith('OS-PKI/revoked')) continue
    if (open.includes(name) || bodyFirst.some((end) => name.endsWith(end))) continue
    if (['DELETE /v2.0/tokens', 'DELETE /v2.0/tokens/{tokenId}', 'DELETE /v3/auth/tokens'].includes(name))
      continue
    for (const ask of asks({ name, token, ids: {} })) {
      const { status, body } = await world.ask(ask)
      // The old password identifies the user, and the hold forbids the call.
      const expected = name === 'POST /v3/users/{user}/password' ? 403 : 401
      assert.equal(status, expected, `${name}: ${String(body)}`)
    }
  }
})

onBothStores('[H9] what an unrestricted credential makes ends with it, and no later', async (store) => {
  const world = await openV3({ store })
  const { ask, clock, realm } = world
  const hour = new Date(realm.nowMs() + 3_600_000).toISOString()
  const parent = await credentialBy(world, {
    of: 'boss',
    token: await world.enter('boss'),
    unrestricted: true,
    expires_at: hour,
  })
  const token = await withCredential(world, parent)
  const day = new Date(realm.nowMs() + 86_400_000).toISOString()
  const children = [
    await credentialBy(world, { of: 'boss', token }),
    await credentialBy(world, { of: 'boss', token, expires_at: day, unrestricted: true }),
  ]
  const [, elder = assert.fail()] = children
  children.push(await credentialBy(world, { of: 'boss', token: await withCredential(world, elder) }))
  for (const { id } of children) {
    const { value } = (await realm.directory.get(IDENTITY_APP_CREDENTIALS, id)) ?? assert.fail()
    assert.equal(value.expiresAtMs, Date.parse(hour))
  }
  const tokens = []
  for (const child of children) tokens.push(await withCredential(world, child))
  const path = `/v3/users/boss/application_credentials/${parent.id}`
  assert.equal((await ask(send2(await world.enter('boss'), 'DELETE', path))).status, 204)
  for (const { id, secret } of children) {
    assert.equal(await realm.directory.get(IDENTITY_APP_CREDENTIALS, id), undefined)
    const identity = { methods: ['application_credential'], application_credential: { id, secret } }
    assert.equal((await ask(logIn(identity))).status, 401)
  }
  for (const one of tokens) assert.equal((await ask(send2(one, 'GET', '/v3/auth/projects'))).status, 401)
  assert.ok(clock.wallMs() < Date.parse(hour))
})

onBothStores('[H9] a delegated token shuts out, and lets nobody in again', async (store) => {
  const world = await openV3({ store })
  const { ask } = world
  const own = await world.enter('boss')
  const made = await ask(send2(own, 'POST', '/v3/domains', { domain: { name: 'made' } }))
  const { domain } = (await bodyJson(made)) as { domain: { id: string } }
  for (const make of [impersonating, (of: V3World) => byCredential(of, true)]) {
    const token = await make(world)
    for (const [method, path, name] of [
      ['PATCH', '/v3/users/pol', 'user'],
      ['PATCH', '/v3/projects/lab', 'project'],
      ['PATCH', `/v3/domains/${domain.id}`, 'domain'],
      ['PUT', '/v2.0/users/id-bob/OS-KSADM/enabled', 'user'],
      ['POST', '/v2.0/tenants/900200', 'tenant'],
    ] as const) {
      const set = (enabled: boolean) => ({ [name]: { enabled } })
      assert.equal((await ask(send2(own, method, path, set(false)))).status, 200, path)
      assert.equal((await ask(send2(token, method, path, set(true)))).status, 403, path)
      assert.equal((await ask(send2(own, method, path, set(true)))).status, 200, path)
    }
  }
})
