import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Refusal } from '@rescind/dialects'
import {
  ADMIN,
  API_KEY,
  assertError,
  CLIENT_KEY,
  JSON_BODY,
  OTHER_API_KEY,
  openChat,
  reply,
  tokenPath,
} from './fixture.test.ts'

test('paths without an endpoint are 404 in the envelope, before any key is asked for', async () => {
  const { send } = await openChat()
  const paths = [
    '/',
    '/admin',
    '/admin/',
    '/admin/clients/u1/token/x',
    '/admin/clients/u1/revocation',
    '/admin/revocations/u1',
    '/admin/clients/u1/tokens',
    '/Admin/clients/u1/token',
    '/admin/clients/u1/Token',
    '/%61dmin/clients/u1/token',
    '/admin%2Fclients%2Fu1%2Ftoken',
    '/admin/clients/u1/tok%65n',
    '/admin/clients/u1/token;x',
    '/admin/./clients/u1/token',
    '/admin/clients/../clients/u1/token',
    '/me/logout/all',
    '/me/logout-all',
    '/m%65',
    '/auths',
    '/auths/sign/v3',
    '/auths/%73ign',
    '/badges/x',
    '/verify/x',
    '/sign/v2',
    '/admin/clients/u1/:client-id',
  ]
  for (const path of paths) {
    for (const method of ['GET', 'DELETE', 'POST', 'OPTIONS']) {
      assertError(await send({ method, path, headers: ADMIN }), 404, 'NOT_FOUND')
      assertError(await send({ method, path }), 404, 'NOT_FOUND')
    }
  }
})

test('paths that cannot be read are 400', async () => {
  const { send } = await openChat()
  const paths = [
    '/admin/clients//token',
    '/admin//clients/u1/token',
    '//admin/clients/u1/token',
    '/admin/clients/u1/token//',
    '/admin/clients/%/token',
    '/admin/clients/%E0%A4%A/token',
    '/admin/clients/%C0%AF/token',
    '/admin/clients/%ED%A0%80/token',
    '/admin/clients/%00/token',
    `/admin/clients/${'a'.repeat(4_096)}/token`,
  ]
  for (const path of paths)
    assertError(await send({ method: 'DELETE', path, headers: ADMIN }), 400, 'INVALID_REQUEST')
})

test('other methods are 405 with Allow, before any key is asked for; HEAD is allowed with GET only', async () => {
  const { send } = await openChat()
  const allowed = new Map([
    [tokenPath('u1'), 'DELETE, PUT'],
    [`${tokenPath('u1')}/`, 'DELETE, PUT'],
    ['/admin/clients', 'GET, POST'],
    ['/admin/clients/', 'GET, POST'],
    ['/admin/clients/list', 'POST, DELETE'],
    ['/admin/clients/u1', 'DELETE'],
    ['/admin/clients/u1%2Ftoken', 'DELETE'],
    ['/admin/clients/u1/revocations', 'GET'],
    ['/admin/revocations', 'GET'],
    ['/auths/sign', 'POST'],
    ['/auths/sign/v2', 'POST'],
    ['/auths/token', 'GET'],
    ['/auths/tokens', 'GET'],
    ['/me', 'GET, HEAD, POST'],
    ['/me/logout', 'POST'],
    ['/me/logout-others/', 'POST'],
    ['/badges/', 'POST'],
    ['/verify', 'POST'],
    ['/sign', 'POST'],
  ])
  for (const [path, allow] of allowed) {
    for (const method of [
      'GET',
      'HEAD',
      'POST',
      'PUT',
      'PATCH',
      'DELETE',
      'OPTIONS',
      'TRACE',
      'constructor',
      'delete',
    ]) {
      if (allow.split(', ').includes(method)) continue
      const answer = await send({ method, path, headers: { 'x-http-method-override': 'DELETE' } })
      assertError(answer, 405, 'METHOD_NOT_ALLOWED')
      assert.equal(answer.headers.allow, allow)
    }
  }
})

test('admin routes: the key decides before the body, the query or the client is looked at', async () => {
  const { send, client, realm, isLive } = await openChat()
  const [token = ''] = await client('u1', 1)
  const wrong: [Record<string, string>, number, string][] = [
    [{}, 401, 'MISSING_API_KEY'],
    [{ 'IM-API-KEY': '' }, 401, 'MISSING_API_KEY'],
    [{ 'IM-Authorization': token }, 401, 'MISSING_API_KEY'],
    [{ 'IM-API-KEY': 'wrong' }, 401, 'INVALID_API_KEY'],
    [{ 'IM-API-KEY': API_KEY.slice(0, -1) }, 401, 'INVALID_API_KEY'],
    [{ 'IM-API-KEY': `${API_KEY}\0` }, 401, 'INVALID_API_KEY'],
    [{ 'IM-API-KEY': CLIENT_KEY }, 401, 'INVALID_API_KEY'],
    [{ 'IM-API-KEY': realm.secretDigest(API_KEY) }, 401, 'INVALID_API_KEY'],
    [{ API_KEY: 'wrong' }, 401, 'INVALID_API_KEY'],
    [{ 'IM-CLIENT-KEY': CLIENT_KEY }, 403, 'PERMISSION_DENIED'],
    [{ CLIENT_KEY: 'wrong' }, 403, 'PERMISSION_DENIED'],
    [{ 'IM-CLIENT-KEY': CLIENT_KEY, 'IM-Authorization': token }, 403, 'PERMISSION_DENIED'],
    [{ 'IM-API-KEY': API_KEY, API_KEY: OTHER_API_KEY }, 400, 'INVALID_REQUEST'],
    [{ 'IM-API-KEY': API_KEY, API_KEY: '' }, 400, 'INVALID_REQUEST'],
    [{ 'IM-API-KEY': API_KEY, CLIENT_KEY, 'IM-CLIENT-KEY': 'x' }, 400, 'INVALID_REQUEST'],
  ]
  const routes = [
    ['DELETE', tokenPath('u1')],
    ['PUT', tokenPath('u1')],
    ['POST', '/admin/clients'],
  ] as const
  const head = realm.index.seq
  for (const [headers, status, code] of wrong) {
    for (const [method, path] of routes) {
      const texts = new Set<string>()
      for (const body of ['', '{}', '{', JSON.stringify({ token }), '{"_id":"u1"}']) {
        for (const at of [path, path.replace('u1', 'nobody'), path.replace('u1', 'i'.repeat(300))]) {
          const answer = await send({ method, path: at, headers: { ...JSON_BODY, ...headers }, body })
          assertError(answer, status, code)
          texts.add(answer.text)
        }
      }
      assert.equal(texts.size, 1)
    }
  }
  assert.equal(realm.index.seq, head)
  assert.equal(await isLive(token), true)
})

test('the same key under both header names is accepted', async () => {
  const { send, client } = await openChat()
  await client('u1')
  const headers = { 'IM-API-KEY': API_KEY, API_KEY }
  assert.equal((await send({ method: 'DELETE', path: tokenPath('u1'), headers })).status, 200)
})

test('hostile headers do not change the caller', async () => {
  const { send, client } = await openChat()
  await client('u1')
  const headers = {
    'IM-API-KEY': OTHER_API_KEY,
    'x-user-id': 'u1',
    'x-roles': 'admin',
    'x-forwarded-for': '10.0.0.1',
    'im-client-id': 'u1',
    'IM-App': 'acme',
  }
  const answer = await send({ method: 'DELETE', path: tokenPath('u1'), headers })
  assertError(answer, 404, 'CLIENT_NOT_FOUND')
})

test('every refusal of the server is in the envelope', async () => {
  const { dialect } = await openChat()
  const refusals: [Refusal, number, string][] = [
    [{ kind: 'malformed', detail: 'Host was sent twice.' }, 400, 'INVALID_REQUEST'],
    [{ kind: 'not-found' }, 404, 'NOT_FOUND'],
    [{ kind: 'method', allow: 'GET' }, 405, 'METHOD_NOT_ALLOWED'],
    [{ kind: 'timeout' }, 408, 'REQUEST_TIMEOUT'],
    [{ kind: 'too-large' }, 413, 'PAYLOAD_TOO_LARGE'],
    [{ kind: 'headers-too-large' }, 431, 'HEADERS_TOO_LARGE'],
    [{ kind: 'bug' }, 500, 'INTERNAL_ERROR'],
    [{ kind: 'outage' }, 503, 'SERVICE_UNAVAILABLE'],
  ]
  for (const [refusal, status, code] of refusals) {
    const answer = await reply(dialect.refuse(refusal, '/me'))
    assertError(answer, status, code)
    assert.equal(answer.headers.allow, refusal.kind === 'method' ? 'GET' : undefined)
    assert.equal(answer.headers['retry-after'], refusal.kind === 'outage' ? '1' : undefined)
  }
})

test('routes are named by templates that hold no data of the path', async () => {
  const { dialect } = await openChat()
  const name = (path: string): string => dialect.routeOf({ method: 'DELETE', path })
  assert.equal(name('/admin/clients/secret/token/'), '/admin/clients/:client-id/token')
  assert.equal(name('/admin/clients'), '/admin/clients')
  assert.equal(name('/me'), '/me')
  assert.equal(name('/me/secret'), 'none')
  assert.equal(name('/%'), 'none')
})
