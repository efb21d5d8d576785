import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SettingsRefused } from '@rescind/core'
import type { Refusal } from '@rescind/dialects'
import { START_MS } from '../../test/kit/realm.ts'
import { type Ask, bodyJson, wireRequest } from '../../test/kit/request.ts'
import {
  accessOf,
  apiKeyLogin,
  as,
  FakePasswords,
  faultOf,
  neverIssued,
  openIdentity,
  passwordLogin,
  post,
} from '../../test/kit/world-identity.ts'
import { createIdentityDialect } from './dialect.ts'

const VARY = 'Accept, Accept-Encoding, X-Auth-Token'

test('an unsupported method is 405 with Allow for every caller', async () => {
  const { ask } = await openIdentity()
  const cases = [
    [
      '/v2.0/tokens',
      'DELETE, POST',
      ['GET', 'HEAD', 'PUT', 'PATCH', 'OPTIONS', 'TRACE', 'constructor', 'delete'],
    ],
    ['/v2.0/tokens/x', 'DELETE, GET, HEAD', ['POST', 'PUT', 'PATCH', 'OPTIONS']],
    ['/v2.0', 'GET, HEAD', ['POST', 'DELETE']],
    ['/', 'GET, HEAD', ['POST', 'DELETE']],
  ] as const
  for (const [path, allow, methods] of cases)
    for (const method of methods) {
      const answer = await ask({ method, path })
      assert.equal(answer.status, 405)
      assert.equal(answer.headers['allow'], allow)
      assert.equal((await faultOf(answer)).name, 'badMethod')
    }
})

test('a method override is ignored', async () => {
  const { ask, login } = await openIdentity()
  const ann = await login('ann')
  const headers = { 'x-auth-token': ann, 'x-http-method-override': 'DELETE' }
  assert.equal((await ask({ method: 'GET', path: `/v2.0/tokens/${ann}`, headers })).status, 200)
  assert.equal((await ask(as(ann, 'GET', `/v2.0/tokens/${ann}`))).status, 200)
})

test('every other path is 404 itemNotFound', async () => {
  const { ask } = await openIdentity()
  for (const path of [
    '/v2.0/user',
    '/v2.0/tokens/x/endpoints/y',
    '/v2.0/Tokens',
    '/v2.0/tokens;x',
    '/v2.1',
    '/x',
    '/v3x',
  ]) {
    const answer = await ask({ method: 'GET', path })
    assert.equal(answer.status, 404, path)
    const message = 'The resource could not be found.'
    assert.deepEqual(await bodyJson(answer), { itemNotFound: { code: 404, message } })
    assert.equal(answer.headers['vary'], VARY)
  }
})

test('paths under /v3 get the error shape of v3', async () => {
  const { ask } = await openIdentity()
  for (const path of ['/v3/nothing', '/v3/auth', '/v3/auth/tokens/x', '/v3/users/1/secrets']) {
    const answer = await ask({ method: 'GET', path })
    assert.equal(answer.status, 404)
    const error = { code: 404, message: 'The resource could not be found.', title: 'Not Found' }
    assert.deepEqual(await bodyJson(answer), { error })
  }
  const broken = await ask({ method: 'GET', path: '/v3/%' })
  assert.deepEqual(await bodyJson(broken), {
    error: { code: 400, message: 'The path cannot be read.', title: 'Bad Request' },
  })
})

test('[N16] a malformed path is 400', async () => {
  const { ask } = await openIdentity()
  for (const path of ['/v2.0//tokens', '/v2.0/tokens/%zz', '//v2.0', '/v2.0/%00']) {
    const answer = await ask({ method: 'GET', path })
    assert.deepEqual([answer.status, (await faultOf(answer)).name], [400, 'badRequest'])
  }
})

test('an escaped path is the same route, with the same guard', async () => {
  const { ask, login } = await openIdentity()
  const [ann, bob] = [await login('ann'), await login('bob')]
  assert.equal((await ask(as(ann, 'DELETE', `/v2.0/%74okens/${bob}`))).status, 403)
  assert.equal((await ask(as(ann, 'DELETE', '/v2%2E0/tokens'))).status, 204)
})

test('every refusal of the server is worded by this dialect', async () => {
  const dialect = createIdentityDialect({ passwords: new FakePasswords() })
  const cases: readonly [Refusal, number, string][] = [
    [{ kind: 'malformed', detail: 'x' }, 400, 'badRequest'],
    [{ kind: 'not-found' }, 404, 'itemNotFound'],
    [{ kind: 'method', allow: 'GET' }, 405, 'badMethod'],
    [{ kind: 'too-large' }, 413, 'overLimit'],
    [{ kind: 'headers-too-large' }, 431, 'badRequest'],
    [{ kind: 'timeout' }, 408, 'badRequest'],
    [{ kind: 'outage' }, 503, 'serviceUnavailable'],
    [{ kind: 'bug' }, 500, 'identityFault'],
  ]
  for (const [refusal, status, name] of cases) {
    const answer = dialect.refuse(refusal, '/v2.0/tokens')
    assert.equal(answer.status, status)
    const fault = await faultOf(answer)
    assert.deepEqual([fault.name, fault.code], [name, status])
    assert.equal(answer.headers['vary'], VARY)
    assert.equal(answer.headers['content-type'], 'application/json')
  }
  assert.equal(dialect.refuse({ kind: 'outage' }, '/v2.0/tokens').headers['retry-after'], '1')
  assert.equal(dialect.refuse({ kind: 'method', allow: 'GET' }, '/v2.0/tokens').headers['allow'], 'GET')
})

test('the version documents list both versions, in both forms that clients read', async () => {
  const { ask } = await openIdentity()
  const root = (await bodyJson(await ask({ method: 'GET', path: '/' }))) as {
    versions: Record<string, { id: string; status: string; links: unknown }[]>
  }
  for (const form of ['values', 'version']) {
    const [v3, v2, ...others] = root.versions[form] ?? []
    assert.equal(others.length, 0)
    assert.deepEqual([v3?.id, v3?.status, v2?.id, v2?.status], ['v3.14', 'stable', 'v2.0', 'CURRENT'])
    assert.deepEqual(v3?.links, [{ rel: 'self', href: 'http://127.0.0.1:8080/v3/' }])
    assert.deepEqual(v2?.links, [{ rel: 'self', href: 'http://127.0.0.1:8080/v2.0' }])
  }
  for (const path of ['/v2.0', '/v2.0/']) {
    const own = (await bodyJson(await ask({ method: 'GET', path }))) as { version: { id: string } }
    assert.equal(own.version.id, 'v2.0')
  }
  const asked = async (method: string) => {
    const { headers, ...answer } = await ask({ method, path: '/' })
    const { 'x-openstack-request-id': id = '', ...others } = headers
    assert.match(id, /^req-/)
    return { ...answer, headers: others }
  }
  assert.deepEqual(await asked('HEAD'), await asked('GET'))
})

test('links start with the base that the client dialled', async () => {
  const { realm, dialect } = await openIdentity()
  const base = 'https://id.example.net:8443/realms/r1'
  const answer = await dialect.handle(realm, { ...wireRequest(passwordLogin('ann')), base })
  const [service] = (await accessOf(answer)).serviceCatalog ?? []
  const { publicURL, internalURL, adminURL } = (service?.endpoints[0] ?? {}) as Record<string, string>
  assert.deepEqual([publicURL, internalURL, adminURL], Array(3).fill(`${base}/v2.0`))
  const root = await dialect.handle(realm, { ...wireRequest({ method: 'GET', path: '/' }), base })
  assert.ok(String(root.body).includes(`"${base}/v2.0"`))
})

test('an Accept without JSON and XML is 406 if a successful answer has a body, and does not stop a revoke', async () => {
  const { ask, login } = await openIdentity()
  const ann = await login('ann')
  const headers = { 'x-auth-token': ann, accept: 'text/html' }
  const answer = await ask({ method: 'GET', path: `/v2.0/tokens/${ann}`, headers })
  assert.deepEqual([answer.status, (await faultOf(answer)).name], [406, 'notAcceptable'])
  assert.equal((await ask({ method: 'DELETE', path: '/v2.0/tokens', headers })).status, 204)
})

test('a caller gets 413 with Retry-After past its rate limit, not at it, and later may go on', async () => {
  const { ask, login, clock } = await openIdentity({ ratePerSecond: 3 })
  const [ann, bob] = [await login('ann'), await login('bob')]
  const validate = (token: string) => ask(as(token, 'GET', `/v2.0/tokens/${token}`))
  for (let at = 0; at < 3; at += 1) assert.equal((await validate(ann)).status, 200)
  const answer = await validate(ann)
  assert.equal(answer.status, 413)
  assert.equal(answer.headers['retry-after'], '1')
  const retryAt = new Date(START_MS + 1_000).toISOString()
  assert.deepEqual(await bodyJson(answer), {
    overLimit: { code: 413, message: 'Too many requests.', retryAt },
  })
  assert.equal((await validate(bob)).status, 200, 'another caller has its own allowance')
  clock.advance(1_000)
  assert.equal((await validate(ann)).status, 200)
})

test('logins are limited by address, whatever token they present', async () => {
  const { ask, realm, passwords } = await openIdentity({ ratePerSecond: 2 })
  const statuses: number[] = []
  for (let at = 0; at < 4; at += 1) {
    const given = passwordLogin('ann')
    const headers = { ...given.headers, 'x-auth-token': neverIssued(realm) }
    statuses.push((await ask({ ...given, headers })).status)
  }
  assert.deepEqual(statuses, [200, 200, 413, 413])
  assert.equal(passwords.asked.length, 2)
  assert.equal((await ask({ ...passwordLogin('ann'), from: '192.0.2.1' })).status, 200)
})

test('[S3] guesses at API keys and passwords of any user are counted by address or IPv6 /64, and other addresses go on', async () => {
  const { ask } = await openIdentity({ ratePerSecond: 4 })
  const wrong = (nth: number): Ask => {
    const credentials = { username: `user-${nth}`, [nth % 2 === 0 ? 'apiKey' : 'password']: `wrong-${nth}` }
    const name = nth % 2 === 0 ? 'RAX-KSKEY:apiKeyCredentials' : 'passwordCredentials'
    return { ...post({ auth: { [name]: credentials } }), from: `2001:db8::${nth + 1}` }
  }
  for (let nth = 0; nth < 4; nth += 1) assert.equal((await ask(wrong(nth))).status, 401)
  for (let nth = 4; nth < 6; nth += 1) assert.equal((await ask(wrong(nth))).status, 413)
  assert.equal((await ask({ ...apiKeyLogin('ann'), from: '2001:db8::9' })).status, 413, 'the right one, too')
  assert.equal((await ask({ ...apiKeyLogin('ann'), from: '2001:db8:0:1::9' })).status, 200)
})

test('a rate of 0 means no limit', async () => {
  const { ask, login } = await openIdentity({ ratePerSecond: 0 })
  const ann = await login('ann')
  for (let at = 0; at < 200; at += 1)
    assert.equal((await ask(as(ann, 'GET', `/v2.0/tokens/${ann}`))).status, 200)
})

test("a route's name holds no data of the request", async () => {
  const dialect = createIdentityDialect({ passwords: new FakePasswords() })
  const cases = [
    ['/', '/'],
    ['/v2.0', '/v2.0'],
    ['/v2.0/tokens/', '/v2.0/tokens'],
    ['/v2.0/tokens/secret', '/v2.0/tokens/{tokenId}'],
    ['/v2.0/tokens/secret/x', '/v2.0/*'],
    ['/v2.0/tokens/%', '/v2.0/*'],
    ['/v3/secret', '/v3/*'],
    ['/v3/users/secret', '/v3/users/{user}'],
    ['/secret', '/*'],
  ] as const
  for (const [path, template] of cases) assert.equal(dialect.routeOf({ method: 'GET', path }), template)
})

test('a token life that no realm allows is refused when the dialect is made', () => {
  const passwords = new FakePasswords()
  for (const tokenLifeSeconds of [0, -1, Number.NaN, 400 * 86_400 + 1, Number.POSITIVE_INFINITY, 0.0001])
    assert.throws(() => createIdentityDialect({ passwords, tokenLifeSeconds }), SettingsRefused)
  createIdentityDialect({ passwords, tokenLifeSeconds: 400 * 86_400 })
})
