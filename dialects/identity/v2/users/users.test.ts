import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodyJson } from '../../../../test/kit/request.ts'
import {
  apiKeyLogin,
  as,
  changeUser,
  FakeNotifier,
  faultOf,
  type IdentityWorld,
  openIdentity,
  passwordLogin,
  post,
  send,
  tokenOf,
} from '../../../../test/kit/world-identity.ts'
import { DEVICES_MAX } from '../mfa/devices.ts'
import { PAGE_MAX } from '../paging.ts'
import { SUB_USERS_MAX } from './create.ts'

type User = { id: string; username: string; 'OS-KSADM:password'?: string; 'RAX-AUTH:domainId'?: string }

async function userIn(world: IdentityWorld, ...given: Parameters<typeof send>): Promise<User> {
  const answer = await world.ask(send(...given))
  assert.ok(answer.status < 300, `${answer.status} ${String(answer.body)}`)
  return ((await bodyJson(answer)) as { user: User }).user
}

async function namesAt(world: IdentityWorld, token: string, query?: string): Promise<string[]> {
  const answer = await world.ask(as(token, 'GET', '/v2.0/users', query))
  assert.equal(answer.status, 200)
  return ((await bodyJson(answer)) as { users: User[] }).users.map(({ username }) => username)
}

test('a user-admin creates a sub-user of its account: 201, Location, and a password shown once', async () => {
  const world = await openIdentity()
  const owner = await world.login('owner')
  const body = { user: { username: 'carl', email: 'carl@example.org', enabled: true } }
  const answer = await world.ask(send(owner, 'POST', '/v2.0/users', body))
  assert.equal(answer.status, 201)
  const { user } = (await bodyJson(answer)) as { user: User }
  assert.equal(answer.headers['location'], `http://127.0.0.1:8080/v2.0/users/${user.id}`)
  assert.equal(user['RAX-AUTH:domainId'], '900100')
  const password = user['OS-KSADM:password'] ?? assert.fail()
  const login = post({ auth: { passwordCredentials: { username: 'carl', password } } })
  assert.equal((await world.ask(login)).status, 200)
  const shown = await userIn(world, owner, 'GET', `/v2.0/users/${user.id}`)
  assert.equal(shown['OS-KSADM:password'], undefined)
  assert.equal((await world.ask(send(owner, 'POST', '/v2.0/users', body))).status, 409)
})

test('callers create users one rank below them; in Keystone’s form plain users with a tenant', async () => {
  const world = await openIdentity()
  const cases = [
    ['svc', { username: 'a' }, '1'],
    ['root', { username: 'b', 'RAX-AUTH:domainId': '77' }, '3'],
    ['owner', { username: 'c' }, '2'],
    ['manager', { username: 'd' }, '2'],
    ['root', { name: 'e', password: 'x', tenantId: '900200' }, '2'],
  ] as const
  for (const [name, user, role] of cases) {
    const made = await userIn(world, await world.login(name), 'POST', '/v2.0/users', { user })
    const roles = await world.ask(as(await world.login('svc'), 'GET', `/v2.0/users/${made.id}/roles`))
    const { roles: listed } = (await bodyJson(roles)) as { roles: { id: string }[] }
    assert.deepEqual(
      listed.map(({ id }) => id),
      [role],
      name,
    )
  }
  for (const name of ['ann', 'plain'])
    assert.equal(
      (await world.ask(send(await world.login(name), 'POST', '/v2.0/users', { user: { username: 'x' } })))
        .status,
      403,
    )
})

test('a user-admin cannot put users into another account or tenant', async () => {
  const world = await openIdentity()
  const owner = await world.login('owner')
  for (const more of [{ 'RAX-AUTH:domainId': '900200' }, { tenantId: '900200' }]) {
    const create = send(owner, 'POST', '/v2.0/users', { user: { username: 'x', ...more } })
    assert.equal((await world.ask(create)).status, 403)
    const move = send(owner, 'POST', '/v2.0/users/id-ann', { user: more })
    assert.equal((await world.ask(move)).status, 403)
  }
})

test('null counts as absent, as Keystone’s clients send it', async () => {
  const world = await openIdentity()
  const user = { name: 'zoe', password: 'x', email: null, tenantId: null, enabled: true }
  assert.equal(
    (await userIn(world, await world.login('root'), 'POST', '/v2.0/users', { user })).username,
    'zoe',
  )
})

test('a body without a valid user is 400', async () => {
  const world = await openIdentity()
  const root = await world.login('root')
  for (const user of [
    undefined,
    [],
    {},
    { username: '' },
    { username: ' x' },
    { username: 'x\u0001' },
    { username: 'x', enabled: 'FALSE' },
    { username: 'x', enabled: 0 },
    { username: 'x', email: 'none' },
    { username: 'x', name: 'y' },
    { username: 'x', password: 'a', 'OS-KSADM:password': 'b' },
    { username: 'x', tenantId: 'system:all' },
  ])
    assert.equal((await world.ask(send(root, 'POST', '/v2.0/users', { user }))).status, 400)
  assert.equal((await world.ask(as(root, 'POST', '/v2.0/users'))).status, 415)
})

test('an account’s admins may create a bounded number of sub-users', async () => {
  const world = await openIdentity()
  const owner2 = await world.login('owner2')
  for (let at = 1; at < SUB_USERS_MAX; at += 1)
    await userIn(world, owner2, 'POST', '/v2.0/users', { user: { username: `s${at}`, password: 'x' } })
  const answer = await world.ask(send(owner2, 'POST', '/v2.0/users', { user: { username: 'late' } }))
  assert.equal(answer.status, 400)
  assert.equal((await faultOf(answer)).message, 'User cannot create more than 100 sub-users in an account.')
})

test('callers see themselves and the users that they govern', async () => {
  const world = await openIdentity()
  const seen = async (name: string) => (await namesAt(world, await world.login(name))).sort()
  assert.deepEqual(await seen('ann'), ['ann'])
  assert.deepEqual(await seen('owner'), ['ann', 'bob', 'manager', 'manager2', 'owner', 'plain'])
  assert.deepEqual(await seen('manager'), ['ann', 'bob', 'manager', 'plain'])
  assert.deepEqual(await seen('loose'), ['loose'])
  assert.equal((await seen('root')).includes('svc'), false)
  assert.equal((await seen('svc')).includes('root'), true)
})

test('a user is found by name as one user, by email as a list', async () => {
  const world = await openIdentity()
  await changeUser(world.realm, 'id-ann', { email: 'a@example.org' })
  const [root, owner, ann] = [await world.login('root'), await world.login('owner'), await world.login('ann')]
  const named = (token: string, name: string) => world.ask(as(token, 'GET', '/v2.0/users', `name=${name}`))
  const { user } = (await bodyJson(await named(owner, 'ann'))) as { user: User }
  assert.equal(user.id, 'id-ann')
  assert.equal((await named(ann, 'ann')).status, 200)
  assert.deepEqual(await namesAt(world, owner, 'email=a@example.org'), ['ann'])
  assert.deepEqual(await namesAt(world, await world.login('owner2'), 'email=a@example.org'), [])
  const statuses = []
  for (const token of [root, owner, ann])
    for (const name of ['nobody', 'eve']) statuses.push((await named(token, name)).status)
  assert.deepEqual(statuses, [404, 200, 403, 403, 403, 403])
})

test('paging through a list reveals no hidden user, not even as the end of a page', async () => {
  const world = await openIdentity()
  const shared = { email: 'shared@example.org' }
  for (const id of ['ann', 'bob', 'eve', 'manager', 'owner', 'owner2', 'svc'])
    await changeUser(world.realm, `id-${id}`, shared)
  for (const name of ['ann', 'manager', 'owner', 'root', 'svc'])
    for (const filter of ['', 'email=shared@example.org&']) {
      const token = await world.login(name)
      const all = await namesAt(world, token, `${filter}limit=1000`)
      const paged: string[] = []
      let query: string | undefined = `${filter}limit=1`
      while (query !== undefined) {
        const answer = await world.ask(as(token, 'GET', '/v2.0/users', query))
        assert.equal(answer.status, 200, `${name}: ${query}`)
        const { users, users_links: links } = (await bodyJson(answer)) as {
          users: User[]
          users_links: { href: string }[]
        }
        assert.equal(users.length, 1, `${name}: ${query}`)
        paged.push(...users.map(({ username }) => username))
        query = links[0] === undefined ? undefined : new URL(links[0].href).search.slice(1)
      }
      assert.deepEqual(paged, all, name)
    }
})

test('lists come in pages: limit and marker, 413 above the bound, 404 for an unknown marker', async () => {
  const world = await openIdentity()
  const root = await world.login('root')
  const all = await namesAt(world, root)
  const paged: string[] = []
  let query = 'limit=2'
  for (;;) {
    const answer = await world.ask(as(root, 'GET', '/v2.0/users', query))
    const { users, users_links: links } = (await bodyJson(answer)) as {
      users: User[]
      users_links: { rel: string; href: string }[]
    }
    paged.push(...users.map(({ username }) => username))
    const [next] = links
    assert.equal(answer.headers['link'], next === undefined ? undefined : `<${next.href}>; rel="next"`)
    if (next === undefined) break
    query = new URL(next.href).search.slice(1)
  }
  assert.deepEqual(paged, all)
  const status = async (given: string) => (await world.ask(as(root, 'GET', '/v2.0/users', given))).status
  assert.equal(await status(`limit=${PAGE_MAX}`), 200)
  const over = await world.ask(as(root, 'GET', '/v2.0/users', `limit=${PAGE_MAX + 1}`))
  const { overLimit } = (await bodyJson(over)) as { overLimit: { retryAt?: string } }
  assert.equal(over.status, 413)
  // With a smaller limit, the caller may ask at once.
  assert.equal(overLimit.retryAt, new Date(world.realm.nowMs()).toISOString())
  assert.equal(await status('limit=0'), 400)
  assert.equal(await status('limit=x'), 400)
  assert.equal(await status('marker=nobody'), 404)
  assert.equal(await status('marker=id-svc'), 404, 'a marker that the caller may not see is unknown')
})

test('POST and PUT change the members that they name and leave the rest', async () => {
  const world = await openIdentity()
  const owner = await world.login('owner')
  for (const method of ['POST', 'PUT']) {
    const email = `${method}@example.org`
    const user = await userIn(world, owner, method, '/v2.0/users/id-ann', { user: { email } })
    assert.deepEqual([user.username, (user as { email?: string }).email], ['ann', email])
  }
  assert.equal((await world.ask(passwordLogin('ann'))).status, 200)
  const own = send(owner, 'PUT', '/v2.0/users/id-owner', { user: { enabled: false } })
  assert.equal((await world.ask(own)).status, 403)
  const taken = send(owner, 'PUT', '/v2.0/users/id-ann', { user: { username: 'bob' } })
  assert.equal((await world.ask(taken)).status, 409)
})

test('Keystone’s updates of a single member answer with the user', async () => {
  const world = await openIdentity()
  const root = await world.login('root')
  const path = '/v2.0/users/id-ann/OS-KSADM'
  assert.equal(
    (await userIn(world, root, 'PUT', `${path}/tenant`, { user: { tenantId: '900200' } })).id,
    'id-ann',
  )
  assert.equal(
    (await userIn(world, root, 'PUT', `${path}/password`, { user: { password: 'n' } })).id,
    'id-ann',
  )
  assert.equal(
    (await userIn(world, root, 'PUT', `${path}/enabled`, { user: { enabled: 'false' } })).id,
    'id-ann',
  )
  assert.equal((await world.ask(send(root, 'PUT', `${path}/enabled`, { user: {} }))).status, 400)
  assert.equal(
    (await world.ask(send(root, 'PUT', '/v2.0/users/x/OS-KSADM/enabled', { user: { enabled: true } })))
      .status,
    404,
  )
})

test('a user is deleted by a governing user, never by itself', async () => {
  const world = await openIdentity()
  const [owner, ann] = [await world.login('owner'), await world.login('ann')]
  assert.equal((await world.ask(as(ann, 'DELETE', '/v2.0/users/id-ann'))).status, 403)
  assert.equal((await world.ask(as(owner, 'DELETE', '/v2.0/users/id-owner'))).status, 403)
  assert.equal((await world.ask(as(owner, 'DELETE', '/v2.0/users/id-eve'))).status, 403)
  assert.equal((await world.ask(as(owner, 'DELETE', '/v2.0/users/id-ann'))).status, 204)
  assert.equal((await world.ask(as(ann, 'GET', `/v2.0/tokens/${ann}`))).status, 401)
  assert.equal((await world.ask(passwordLogin('ann'))).status, 401)
})

const KEY = '/v2.0/users/id-ann/OS-KSADM/credentials/RAX-KSKEY:apiKeyCredentials'

test('an API key is shown to its user, reset without ending tokens, and deleted', async () => {
  const world = await openIdentity()
  const [ann, bob, owner] = [await world.login('ann'), await world.login('bob'), await world.login('owner')]
  const keyIn = async (token: string, method: string, path: string): Promise<string> => {
    const document = (await bodyJson(await world.ask(send(token, method, path)))) as Record<
      string,
      { apiKey: string }
    >
    return document['RAX-KSKEY:apiKeyCredentials']?.apiKey ?? assert.fail(JSON.stringify(document))
  }
  assert.equal(await keyIn(ann, 'GET', KEY), 'key-ann')
  assert.equal((await world.ask(as(ann, 'GET', KEY.replace(':', '%3A')))).status, 200)
  assert.equal((await world.ask(as(bob, 'GET', KEY))).status, 403)
  const made = await keyIn(owner, 'POST', `${KEY}/RAX-AUTH/reset`)
  assert.notEqual(made, 'key-ann')
  assert.equal((await world.ask(apiKeyLogin('ann'))).status, 401)
  assert.equal((await world.ask(as(ann, 'GET', `/v2.0/tokens/${ann}`))).status, 200)
  const list = await bodyJson(await world.ask(as(ann, 'GET', '/v2.0/users/id-ann/OS-KSADM/credentials')))
  assert.deepEqual(list, {
    credentials: [{ 'RAX-KSKEY:apiKeyCredentials': { username: 'ann', apiKey: made } }],
    credentials_links: [],
  })
  assert.equal((await world.ask(as(ann, 'DELETE', KEY))).status, 204)
  assert.equal((await world.ask(as(ann, 'GET', KEY))).status, 404)
  assert.equal((await world.ask(as(ann, 'DELETE', KEY))).status, 404)
})

test('revokeTokens ends a user’s tokens with a reset, deleted or replaced API key; by default they stay [B01]', async () => {
  const path = '/v2.0/users/id-ann/OS-KSADM/credentials'
  const key = { 'RAX-KSKEY:apiKeyCredentials': { username: 'ann', apiKey: 'chosen' } }
  for (const [method, call, body] of [
    ['POST', `${KEY}/RAX-AUTH/reset`, undefined],
    ['DELETE', KEY, undefined],
    ['POST', path, key],
  ] as const) {
    const world = await openIdentity()
    const [ann, bob, owner] = [await world.login('ann'), await world.login('bob'), await world.login('owner')]
    const byKey = await tokenOf(await world.ask(apiKeyLogin('ann')))
    const end = async (query: string): Promise<number> =>
      (await world.ask({ ...send(owner, method, call, body), query })).status
    const live = async (token: string): Promise<number> =>
      (await world.ask(as(owner, 'GET', `/v2.0/tokens/${token}`))).status
    for (const wrong of ['yes', '', '1', 'TRUE', 'true&revokeTokens=true'])
      assert.equal(await end(`revokeTokens=${wrong}`), 400, wrong)
    for (const query of ['', 'revokeTokens=false']) {
      assert.ok((await end(query)) < 300)
      assert.deepEqual([await live(ann), await live(byKey)], [200, 200], 'the default')
      if (method === 'DELETE') await world.ask(send(owner, 'POST', path, key))
    }
    assert.ok((await end('revokeTokens=true')) < 300)
    assert.deepEqual([await live(ann), await live(byKey), await live(bob)], [404, 404, 200])
    assert.equal(await live(await world.login('ann')), 200, 'what comes later lives')
  }
})

test('credentials may be set, and a password ends tokens', async () => {
  const world = await openIdentity()
  const owner = await world.login('owner')
  const path = '/v2.0/users/id-ann/OS-KSADM/credentials'
  const ann = await world.login('ann')
  const key = { 'RAX-KSKEY:apiKeyCredentials': { username: 'ann', apiKey: 'chosen' } }
  assert.equal((await world.ask(send(owner, 'POST', path, key))).status, 201)
  assert.equal((await world.ask(as(ann, 'GET', `/v2.0/tokens/${ann}`))).status, 200)
  const other = { passwordCredentials: { username: 'bob', password: 'n' } }
  assert.equal((await world.ask(send(owner, 'POST', path, other))).status, 400)
  const password = { passwordCredentials: { username: 'ann', password: 'n' } }
  assert.equal((await world.ask(send(owner, 'POST', path, password))).status, 201)
  assert.equal((await world.ask(as(ann, 'GET', `/v2.0/tokens/${ann}`))).status, 401)
})

const changePwd = (username: string, password: string, newPassword: string) => ({
  ...post({ 'RAX-AUTH:changePasswordCredentials': { username, password, newPassword } }),
  path: '/v2.0/users/RAX-AUTH/change-pwd',
})

test('a password is changed by the old one, and every token ends', async () => {
  const world = await openIdentity()
  const ann = await world.login('ann')
  assert.equal((await world.ask(changePwd('ann', 'no', 'n'))).status, 401)
  assert.equal((await world.ask(changePwd('nobody', 'no', 'n'))).status, 401)
  assert.equal((await world.ask(changePwd('ann', 'pw-ann', 'pw-ann'))).status, 400)
  assert.equal((await world.ask(as(ann, 'GET', `/v2.0/tokens/${ann}`))).status, 200)
  assert.equal((await world.ask(changePwd('ann', 'pw-ann', 'n'))).status, 204)
  assert.equal((await world.ask(as(ann, 'GET', `/v2.0/tokens/${ann}`))).status, 401)
  const race = await Promise.all(
    [changePwd('bob', 'pw-bob', 'x'), changePwd('bob', 'pw-bob', 'y')].map(world.ask),
  )
  assert.deepEqual(race.map(({ status }) => status).sort(), [204, 401])
})

test('Keystone’s own-password call needs token and old password', async () => {
  const world = await openIdentity()
  const [ann, bob] = [await world.login('ann'), await world.login('bob')]
  const path = '/v2.0/OS-KSCRUD/users/id-ann'
  const body = (original_password: string) => ({ user: { password: 'n', original_password } })
  assert.equal((await world.ask(send(bob, 'PATCH', path, body('pw-ann')))).status, 403)
  assert.equal((await world.ask(send(ann, 'PATCH', path, body('no')))).status, 403)
  assert.equal((await world.ask(send(ann, 'PATCH', path, body('pw-ann')))).status, 200)
  assert.equal((await world.ask(as(ann, 'GET', `/v2.0/tokens/${ann}`))).status, 401)
})

const forgotPwd = (username: string) => ({
  ...post({ 'RAX-AUTH:forgotPasswordCredentials': { username, portal: 'x' } }),
  path: '/v2.0/users/RAX-AUTH/forgot-pwd',
})
const RESET = '/v2.0/users/RAX-AUTH/pwd-reset'
const reset = (token: string, password: string) =>
  send(token, 'POST', RESET, { 'RAX-AUTH:passwordReset': { password } })

test('a forgotten password is reset by a mailed token, once; for every name the answer is 204', async () => {
  const notifier = new FakeNotifier()
  const world = await openIdentity({ notifier })
  await changeUser(world.realm, 'id-ann', { email: 'ann@example.org' })
  const ann = await world.login('ann')
  const answers = [await world.ask(forgotPwd('ann')), await world.ask(forgotPwd('nobody'))]
  assert.deepEqual(answers[0], answers[1])
  assert.equal(answers[0]?.status, 204)
  const [notice, ...others] = notifier.notices
  assert.equal(others.length, 0)
  assert.ok(notice?.kind === 'password-reset')
  const { token } = notice
  assert.equal((await world.ask(as(token, 'GET', `/v2.0/tokens/${ann}`))).status, 401, 'it is no token')
  assert.equal((await world.ask(reset(ann, 'n'))).status, 403, 'an ordinary token is no such token')
  assert.equal((await world.ask(reset('x', 'n'))).status, 401)
  assert.equal((await world.ask(reset(token, 'n'))).status, 204)
  assert.equal((await world.ask(as(ann, 'GET', `/v2.0/tokens/${ann}`))).status, 401)
  assert.equal((await world.ask(reset(token, 'm'))).status, 401, 'it serves once')
  const login = post({ auth: { passwordCredentials: { username: 'ann', password: 'n' } } })
  assert.equal((await world.ask(login)).status, 200)
})

test('[B10] a mailed token ends with another change of the password, and after an hour', async () => {
  const notifier = new FakeNotifier()
  const world = await openIdentity({ notifier })
  await changeUser(world.realm, 'id-ann', { email: 'ann@example.org' })
  const mailed = async (): Promise<string> => {
    await world.ask(forgotPwd('ann'))
    const notice = notifier.notices.at(-1)
    return notice?.kind === 'password-reset' ? notice.token : assert.fail()
  }
  const first = await mailed()
  assert.equal((await world.ask(changePwd('ann', 'pw-ann', 'pw-2'))).status, 204)
  assert.equal((await world.ask(reset(first, 'n'))).status, 401)
  const second = await mailed()
  world.clock.advance(3_600_000)
  assert.equal((await world.ask(reset(second, 'n'))).status, 401)
})

test('a user has a bounded number of devices', async () => {
  const world = await openIdentity()
  const ann = await world.login('ann')
  const path = '/v2.0/users/id-ann/RAX-AUTH/multi-factor/otp-devices'
  const add = () => world.ask(send(ann, 'POST', path, { 'RAX-AUTH:otpDevice': { name: 'x' } }))
  for (let at = 0; at < DEVICES_MAX; at += 1) assert.equal((await add()).status, 201)
  assert.equal((await add()).status, 400)
})

test('[B09] changes by a caller with an ended or unknown token are 401 and change nothing', async () => {
  const world = await openIdentity()
  const owner = await world.login('owner')
  await world.ask(as(owner, 'DELETE', '/v2.0/tokens'))
  for (const token of [owner, 'x'])
    for (const [method, path] of [
      ['DELETE', '/v2.0/users/id-ann'],
      ['POST', '/v2.0/users/id-ann'],
      ['PUT', '/v2.0/users/id-ann/OS-KSADM/password'],
      ['DELETE', '/v2.0/users/id-ann/roles/OS-KSADM/2'],
      ['POST', `${KEY}/RAX-AUTH/reset`],
    ] as const)
      assert.equal((await world.ask(send(token, method, path, { user: { password: 'n' } }))).status, 401)
  assert.equal((await world.ask(passwordLogin('ann'))).status, 200)
  assert.equal((await world.ask(apiKeyLogin('ann'))).status, 200)
})
