import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Ask, bodyJson } from '../../../../test/kit/request.ts'
import { changeUser, neverIssued, post } from '../../../../test/kit/world-identity.ts'
import {
  byPassword,
  byToken,
  errorIn,
  inDomain,
  inProject,
  logIn,
  openV3,
  PEOPLE,
  SYSTEM,
  send,
  subjectToken,
  tokenIn,
  type V3World,
} from '../../../../test/kit/world-identity-v3.ts'
import { seededMfa } from '../../directory/mfa.ts'
import { codeAt, decodeBase32 } from '../../session/totp.ts'

test('a token of each scope names its scope and its roles there', async () => {
  const { ask } = await openV3()
  const project = await ask(byPassword('pia', inProject('team')))
  assert.equal(project.status, 201)
  const body = await tokenIn(project)
  assert.deepEqual(body.methods, ['password'])
  assert.deepEqual(body.user, {
    id: 'pia',
    name: 'pia-name',
    domain: { id: 'blue', name: 'Blue' },
    password_expires_at: null,
  })
  assert.deepEqual(body.project, { id: 'team', name: 'team-name', domain: { id: 'blue', name: 'Blue' } })
  assert.deepEqual(body.roles, [{ id: 'member', name: 'member' }])
  assert.equal(body.is_domain, false)
  assert.equal(body.issued_at, '2026-03-01T12:00:00.000000Z')
  assert.equal(body.expires_at, '2026-03-02T12:00:00.000000Z')
  assert.equal(body.audit_ids.length, 1)
  assert.equal(body.catalog?.[0]?.endpoints[0]?.url, 'http://127.0.0.1:8080/v3')

  const domain = await tokenIn(await ask(byPassword('governor', inDomain('blue'))))
  assert.deepEqual(
    [domain.domain, domain.roles],
    [{ id: 'blue', name: 'Blue' }, [{ id: 'admin', name: 'admin' }]],
  )
  const system = await tokenIn(await ask(byPassword('sysadmin', SYSTEM)))
  assert.deepEqual([system.system, system.roles], [{ all: true }, [{ id: 'admin', name: 'admin' }]])
  const unscoped = await tokenIn(await ask(byPassword('pia', 'unscoped')))
  for (const name of ['project', 'domain', 'system', 'roles', 'catalog', 'is_domain'])
    assert.ok(!(name in unscoped), name)
})

test('a login without a scope is for the default project, or unscoped if that is unusable', async () => {
  const { ask, realm } = await openV3()
  assert.equal((await tokenIn(await ask(byPassword('pia')))).project?.id, 'team')
  assert.equal((await tokenIn(await ask(byPassword('kim')))).project, undefined)
  await changeUser(realm, 'pia', { grants: [] })
  assert.equal((await tokenIn(await ask(byPassword('pia')))).project, undefined)
})

test('a catalog is left out on request', async () => {
  const { ask } = await openV3()
  const answer = await ask({ ...byPassword('pia'), query: 'nocatalog' })
  assert.equal((await tokenIn(answer)).catalog, undefined)
})

test('users and projects are found by name in their domain, and in no other', async () => {
  const { ask } = await openV3()
  const login = (user: object, scope?: unknown): ReturnType<typeof ask> =>
    ask(logIn({ methods: ['password'], password: { user: { ...user, password: 'pw-pia' } } }, scope))
  for (const domain of [{ id: 'blue' }, { name: 'Blue' }]) {
    const answer = await login({ name: 'pia-name', domain }, { project: { name: 'team-name', domain } })
    assert.equal((await tokenIn(answer)).project?.id, 'team')
  }
  for (const domain of [{ id: 'default' }, { name: 'Default' }, { id: 'nowhere' }, { name: 'blue' }])
    assert.equal((await login({ name: 'pia-name', domain })).status, 401)
  const elsewhere = { project: { name: 'team-name', domain: { id: 'default' } } }
  assert.equal((await login({ id: 'pia' }, elsewhere)).status, 401)
})

test('every failure of a login is the same 401', async () => {
  const { ask, realm, passwords } = await openV3()
  await changeUser(realm, 'pol', { enabled: false })
  const wrong = { methods: ['password'], password: { user: { id: 'pia', password: 'wrong' } } }
  const nobody = { methods: ['password'], password: { user: { id: 'nobody', password: 'pw' } } }
  const asks = [
    logIn(wrong),
    logIn(nobody),
    byPassword('pol'),
    byPassword('pia', inProject('lab')),
    byPassword('pia', inProject('nowhere')),
    byPassword('pia', inProject('domain:blue')),
    byPassword('pia', inProject('system:all')),
    byPassword('pia', inDomain('blue')),
    byPassword('pia', inDomain('nowhere')),
    byPassword('pia', SYSTEM),
    byToken(neverIssued(realm)),
    byToken('nonsense'),
    logIn({ methods: ['saml2'], saml2: {} }),
  ]
  const bodies = new Set<unknown>()
  for (const one of asks) {
    const answer = await ask(one)
    assert.equal(answer.status, 401)
    assert.equal(answer.headers['www-authenticate'], 'Keystone uri="http://127.0.0.1:8080/v3"')
    bodies.add(answer.body)
  }
  assert.equal(bodies.size, 1)
  assert.equal(passwords.asked[1]?.hash, undefined, 'an unknown user costs a hashing, too')
})

test('a trust is refused, and so is a body that is not a login', async () => {
  const { ask } = await openV3()
  const trust = await ask(byPassword('pia', { 'OS-TRUST:trust': { id: 't' } }))
  assert.deepEqual(await errorIn(trust), { code: 403, message: 'Trusts are disabled.', title: 'Forbidden' })
  const form = { ...byPassword('pia'), headers: { 'content-type': 'application/x-www-form-urlencoded' } }
  assert.equal((await ask(form)).status, 400)
  assert.equal(
    (await ask({ ...byPassword('pia'), headers: {} })).status,
    201,
    'Keystone takes JSON without a type',
  )
  assert.equal((await ask({ ...byPassword('pia'), body: '{' })).status, 400)
})

test('several methods must be about one user', async () => {
  const { ask, enter } = await openV3()
  const both = (token: string, name: string): ReturnType<typeof ask> =>
    ask(
      logIn({
        methods: ['token', 'password'],
        token: { id: token },
        password: { user: { id: name, password: `pw-${name}` } },
      }),
    )
  const token = await enter('pia')
  assert.deepEqual((await tokenIn(await both(token, 'pia'))).methods, ['token', 'password'])
  assert.equal((await both(token, 'pol')).status, 401)
})

test('a user with multi-factor authentication cannot log in by a password alone', async () => {
  const { ask, realm } = await openV3()
  const mfa = { isEnabled: true, enforcement: 'DEFAULT', otpDevices: [], phones: [] } as const
  await changeUser(realm, 'pia', { mfa })
  const answer = await ask(byPassword('pia'))
  assert.equal(answer.status, 401)
  assert.equal((await errorIn(answer)).message, 'Additional authentication credentials required.')
})

test('a disabled domain lets in none of its users, and nobody into its projects', async () => {
  const { ask, enter } = await openV3()
  const chief = await enter('chief')
  await ask(send('PUT', '/v3/projects/team/users/eva/roles/member', { as: chief }))
  await enter('eva', inProject('team'))
  await ask(send('PATCH', '/v3/domains/blue', { as: chief, body: { domain: { enabled: false } } }))
  for (const name of ['pia', 'governor'])
    assert.equal((await ask(byPassword(name, PEOPLE[name]?.scope))).status, 401)
  assert.equal((await ask(byPassword('eva', inProject('team')))).status, 401)
  assert.equal((await ask(byPassword('chief', inDomain('blue')))).status, 401)
})

test('a token made from another has its expiry, and belongs to its chain', async () => {
  const { ask, enter, clock } = await openV3()
  const first = await enter('pia', 'unscoped')
  clock.advance(3_600_000)
  const second = await subjectToken(await ask(byToken(first, inProject('team'))))
  clock.advance(3_600_000)
  const third = await ask(byToken(second))
  const chief = await enter('chief')
  const bodies = []
  for (const about of [first, second, await subjectToken(third)])
    bodies.push(await tokenIn(await ask(send('GET', '/v3/auth/tokens', { as: chief, about }))))
  const [one, two, three] = bodies
  assert.equal(new Set(bodies.map(({ expires_at: at }) => at)).size, 1)
  assert.deepEqual(two?.audit_ids.slice(1), one?.audit_ids)
  assert.deepEqual(three?.audit_ids.slice(1), one?.audit_ids)
  assert.deepEqual(two?.methods, ['token', 'password'])
  assert.equal(three?.project?.id, 'team', 'without a scope, the scope of the token that it is made from')
})

test('by default a token ends alone; with chain revocation exactly its descendants end too', async () => {
  for (const chainRevocation of [false, true]) {
    const { ask, enter } = await openV3({ chainRevocation })
    const from = async (token: string): Promise<string> =>
      subjectToken(await ask(byToken(token, inProject('team'))))
    const root = await enter('pia', 'unscoped')
    const [left, right] = [await from(root), await from(root)]
    const leaf = await from(left)
    const chief = await enter('chief')
    const live = async (): Promise<boolean[]> => {
      const states = []
      for (const about of [root, left, right, leaf])
        states.push((await ask(send('GET', '/v3/auth/tokens', { as: chief, about }))).status === 200)
      return states
    }
    await ask(send('DELETE', '/v3/auth/tokens', { as: chief, about: left }))
    assert.deepEqual(await live(), [true, false, true, !chainRevocation])
    await ask(send('DELETE', '/v3/auth/tokens', { as: chief, about: root }))
    assert.deepEqual(await live(), [false, false, !chainRevocation, !chainRevocation])
  }
})

test('a chain has an end: a token of the ninth generation is refused', async () => {
  const { ask, enter } = await openV3({ chainRevocation: true })
  let token = await enter('pia')
  for (let generation = 1; generation <= 8; generation += 1)
    token = await subjectToken(await ask(byToken(token)))
  assert.equal((await ask(byToken(token))).status, 403)
})

test('?cascade= is accepted if it agrees with the setting, and refused otherwise', async () => {
  for (const chainRevocation of [false, true]) {
    const { ask, enter } = await openV3({ chainRevocation })
    const pia = await enter('pia')
    const end = (cascade: boolean): ReturnType<typeof ask> =>
      ask(send('DELETE', '/v3/auth/tokens', { as: pia, about: pia, query: `cascade=${cascade}` }))
    assert.equal((await end(!chainRevocation)).status, 400)
    assert.equal((await end(chainRevocation)).status, 204)
  }
})

test('a login whose basis is revoked while it is being proved mints nothing', async () => {
  const { ask, enter, passwords } = await openV3()
  const chief = await enter('chief')
  passwords.meanwhile = async () => {
    passwords.meanwhile = async () => {}
    await ask(send('PATCH', '/v3/users/pia', { as: chief, body: { user: { enabled: false } } }))
  }
  assert.equal((await ask(byPassword('pia'))).status, 401)
  assert.equal(
    passwords.asked.filter(({ password }) => password === 'pw-pia').length,
    2,
    'it was judged again',
  )
})

test('every answer has its own request id', async () => {
  const { ask } = await openV3()
  const ids = new Set<unknown>()
  for (const one of [
    byPassword('pia'),
    logIn({}),
    send('GET', '/v3'),
    send('GET', '/v3/nothing'),
    send('PUT', '/v3'),
  ]) {
    const { headers } = await ask(one)
    assert.match(headers['x-openstack-request-id'] ?? '', /^req-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    assert.equal(headers['vary'], 'X-Auth-Token')
    ids.add(headers['x-openstack-request-id'])
  }
  assert.equal(ids.size, 5)
})

test('a login with an application credential is for its project, with its roles, and for nothing else', async () => {
  const { ask, enter } = await openV3()
  const chief = await enter('chief')
  await ask(send('PUT', '/v3/projects/team/users/pia/roles/reader', { as: chief }))
  await ask(send('PUT', '/v3/projects/lab/users/pia/roles/member', { as: chief }))
  const made = await ask(
    send('POST', '/v3/users/pia/application_credentials', {
      as: await enter('pia'),
      body: { application_credential: { name: 'ci', roles: [{ name: 'reader' }] } },
    }),
  )
  assert.equal(made.status, 201)
  type Made = { application_credential: { id: string; secret: string } }
  const { id, secret } = ((await bodyJson(made)) as Made).application_credential
  const login = (credential: object, scope?: unknown): ReturnType<typeof ask> =>
    ask(logIn({ methods: ['application_credential'], application_credential: credential }, scope))
  const answer = await login({ id, secret })
  const { project, roles, methods } = await tokenIn(answer)
  assert.deepEqual(
    [project?.id, roles, methods],
    ['team', [{ id: 'reader', name: 'reader' }], ['application_credential']],
  )
  const byName = await login({ name: 'ci', secret, user: { name: 'pia-name', domain: { id: 'blue' } } })
  assert.equal(byName.status, 201)
  assert.equal((await login({ id, secret: 'wrong' })).status, 401)
  assert.equal((await login({ id: 'nothing', secret })).status, 401)
  assert.equal((await login({ id, secret }, inProject('lab'))).status, 403)
  const token = await subjectToken(answer)
  for (const scope of [inProject('lab'), inProject('team'), 'unscoped', undefined])
    assert.equal((await ask(byToken(token, scope))).status, 403)
})

// A copy of a token that stands for less than its user would live on when that token is revoked.
test('[W24] a token of an application credential makes no other token, in neither version', async () => {
  const { ask, enter } = await openV3()
  const pia = await enter('pia')
  const body = { application_credential: { name: 'ci', unrestricted: true } }
  const made = await ask(send('POST', '/v3/users/pia/application_credentials', { as: pia, body }))
  type Made = { application_credential: { id: string; secret: string } }
  const { id, secret } = ((await bodyJson(made)) as Made).application_credential
  const credential = { application_credential: { id, secret } }
  const token = await subjectToken(await ask(logIn({ methods: ['application_credential'], ...credential })))
  const also = { token: { id: token }, password: { user: { id: 'pia', password: 'pw-pia' } } }
  for (const given of [
    byToken(token),
    byToken(token, inProject('team')),
    logIn({ methods: ['token', 'password'], ...also }),
    logIn({ methods: ['password', 'token'], ...also }),
    logIn({ methods: ['token', 'application_credential'], ...also, ...credential }),
    post({ auth: { token: { id: token } } }),
    post({ auth: { token: { id: token }, tenantId: 'team' } }),
  ])
    assert.equal((await ask(given)).status, 403, String(given.body))
  const wrong = { user: { id: 'pia', password: 'wrong' } }
  assert.equal((await ask(logIn({ methods: ['password', 'token'], ...also, password: wrong }))).status, 401)
  assert.equal((await ask(send('DELETE', '/v3/auth/tokens', { as: token, about: token }))).status, 204)
  assert.equal((await ask(byToken(token))).status, 401, 'one that is over proves nothing at all')
})

const SEED = 'JBSWY3DPEHPK3PXP'
const PASSWORD_OF_PIA = { user: { id: 'pia', password: 'pw-pia' } }

async function withGenerator(isEnabled: boolean): Promise<V3World & { readonly code: () => string }> {
  const world = await openV3()
  const { realm } = world
  const mfa = seededMfa(realm, 'pia', { isEnabled, enforcement: 'DEFAULT', totpBase32: SEED })
  await changeUser(realm, 'pia', { mfa })
  const key = decodeBase32(SEED) ?? assert.fail()
  return { ...world, code: () => codeAt(key, Math.floor(realm.nowMs() / 30_000)) }
}

const byCode = (passcode: string, beside: object = {}): Ask => {
  const methods = [...Object.keys(beside), 'totp']
  return logIn({ methods, ...beside, totp: { user: { id: 'pia', passcode } } })
}

test('with multi-factor authentication, a password and a passcode log in together, and not alone', async () => {
  const { ask, code, enter } = await withGenerator(true)
  assert.equal((await ask(byCode(code()))).status, 401)
  assert.equal((await ask(byCode('000000', { password: PASSWORD_OF_PIA }))).status, 401)
  const answer = await ask(byCode(code(), { password: PASSWORD_OF_PIA }))
  assert.deepEqual((await tokenIn(answer)).methods, ['password', 'totp'])
  assert.equal(
    (await ask(byCode(code(), { password: PASSWORD_OF_PIA }))).status,
    401,
    'a passcode serves once',
  )
  const nova = await enter('nova')
  const about = await subjectToken(answer)
  assert.equal((await ask(send('GET', '/v3/auth/tokens', { as: nova, about }))).status, 200)
})

test('a passcode is not used up by a login whose password is wrong', async () => {
  const { ask, code } = await withGenerator(true)
  const wrong = { password: { user: { id: 'pia', password: 'wrong' } } }
  assert.equal((await ask(byCode(code(), wrong))).status, 401)
  assert.equal((await ask(byCode(code(), { password: PASSWORD_OF_PIA }))).status, 201)
})

test('without multi-factor authentication a passcode is a method like others', async () => {
  const { ask, code } = await withGenerator(false)
  assert.deepEqual((await tokenIn(await ask(byCode(code())))).methods, ['totp'])
})

test('guessing passcodes is limited', async () => {
  const { ask } = await withGenerator(true)
  const statuses = new Set<number>()
  for (let at = 0; at < 20; at += 1) statuses.add((await ask(byCode(String(at).padStart(6, '0')))).status)
  assert.deepEqual([...statuses], [401, 413])
})

test('[E08] of two concurrent logins with one passcode, one succeeds', async () => {
  const { ask, code } = await withGenerator(true)
  const same = byCode(code(), { password: PASSWORD_OF_PIA })
  const answers = await Promise.all([ask(same), ask(same)])
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 401])
})

test('if multi-factor authentication is required, a user without it cannot log in', async () => {
  const { ask, realm, enter } = await openV3()
  const path = '/v3/users/pia/application_credentials'
  const body = { application_credential: { name: 'ci' } }
  const made = await ask(send('POST', path, { as: await enter('pia'), body }))
  type Made = { application_credential: { id: string; secret: string } }
  const { id, secret } = ((await bodyJson(made)) as Made).application_credential
  await changeUser(realm, 'pia', {
    mfa: { isEnabled: false, enforcement: 'REQUIRED', otpDevices: [], phones: [] },
  })
  const byCredential = logIn({ methods: ['application_credential'], application_credential: { id, secret } })
  for (const login of [byPassword('pia'), byCredential]) {
    const answer = await ask(login)
    assert.equal(answer.status, 403)
    assert.equal((await errorIn(answer)).message, 'User must setup multi-factor')
  }
})

test('[E11] a token lives no longer than the application credential that it was made with', async () => {
  const { ask, enter, clock } = await openV3()
  const body = { application_credential: { name: 'ci', expires_at: '2026-03-01T13:00:00.000000' } }
  const made = await ask(
    send('POST', '/v3/users/pia/application_credentials', { as: await enter('pia'), body }),
  )
  type Made = { application_credential: { id: string; secret: string } }
  const { id, secret } = ((await bodyJson(made)) as Made).application_credential
  const login = logIn({ methods: ['application_credential'], application_credential: { id, secret } })
  const answer = await tokenIn(await ask(login))
  assert.equal(answer.expires_at, '2026-03-01T13:00:00.000000Z')
  assert.deepEqual(answer.application_credential, { id, name: 'ci', restricted: true })
  clock.advance(3_600_000)
  assert.equal((await ask(login)).status, 401)
})

test('a token for setting up multi-factor authentication does nothing in v3', async () => {
  const { ask, enter } = await openV3()
  const auth = {
    'RAX-AUTH:scope': 'SETUP-MFA',
    passwordCredentials: { username: 'chief-name', password: 'pw-chief' },
  }
  const answer = await ask(send('POST', '/v2.0/tokens', { body: { auth } }))
  type Access = { readonly access: { readonly token: { readonly id: string } } }
  const setup = ((await bodyJson(answer)) as Access).access.token.id
  const pia = await enter('pia')
  assert.equal((await ask(send('GET', '/v3/users', { as: setup }))).status, 403)
  assert.equal((await ask(send('GET', '/v3/auth/tokens', { as: setup, about: pia }))).status, 403)
  assert.equal((await ask(byToken(setup))).status, 401)
  const chief = await enter('chief')
  assert.equal((await ask(send('GET', '/v3/auth/tokens', { as: chief, about: setup }))).status, 404)
  assert.equal((await ask(send('DELETE', '/v3/auth/tokens', { as: chief, about: setup }))).status, 204)
})
