import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IDENTITY_HEADERS } from '../../server/records/header-names.ts'
import { CONTROL, JSON_BODY, jsonOf } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { headerOf, type RawAnswer } from '../kit/raw-http.ts'
import { ANN, BOB, CHAT, OTHER, SEED, SVC } from '../kit/seed.ts'

const PROFILES = [
  { name: 'orders', scopes: ['read'] },
  { name: 'writers', scopes: ['read', 'write'] },
  { name: 'keystone', credential: { from: 'header', name: 'X-Auth-Token' }, sources: ['identity'] },
  { name: 'chat', credential: { from: 'header', name: 'IM-Authorization' }, sources: [`chat/${CHAT.app}`] },
  { name: 'web', credential: { from: 'cookie', name: 'session' }, maxAgeSeconds: 5 },
  { name: 'billing', audience: ['https://billing.example'] },
]
const seed = { realms: [...SEED.realms, { name: 'default', checkProfiles: PROFILES }, { name: 'branch' }] }

const { server, calls } = await openForFile({ time: 'hand', seed })

const bearer = (token: string): string => `Authorization: Bearer ${token}`

function get(path: string, ...headers: readonly string[]): Promise<RawAnswer> {
  return calls.send(`GET ${path}`, headers)
}

/** Everything in an answer that a stranger could learn from. */
function seen({ status, headers, body }: RawAnswer): unknown {
  return [status, headers.filter(([name]) => name.toLowerCase() !== 'date'), body.toString()]
}

test('a live token is let through, and the service behind the gateway learns the caller', async () => {
  const { access } = await calls.oauthGrant('zoë %\u00fc')
  const answer = await get('/check', bearer(access))
  assert.equal(answer.status, 200)
  assert.equal(answer.body.length, 0)
  assert.equal(headerOf(answer, 'x-auth-source'), 'oauth')
  assert.equal(headerOf(answer, 'x-auth-subject'), 'zo%C3%AB %25%C3%BC')
  assert.equal(headerOf(answer, 'x-auth-client'), SVC.clientId)
  assert.equal(headerOf(answer, 'x-auth-scope'), 'read write')
  assert.equal(headerOf(answer, 'x-auth-tenant'), '')
  assert.equal(headerOf(answer, 'x-auth-act'), '')
  assert.match(headerOf(answer, 'x-auth-jti') ?? '', /^tok_/)
  assert.match(headerOf(answer, 'x-auth-exp') ?? '', /^\d{10}$/)
  assert.match(headerOf(answer, 'x-revocation-epoch') ?? '', /^1\.\d+$/)
  assert.equal(headerOf(answer, 'cache-control'), 'private, max-age=0')
})

test('unknown, foreign, revoked, expired and malformed credentials, and refresh tokens, get the same 401', async () => {
  const { access, refresh } = await calls.oauthGrant('ann')
  const other = await calls.oauthGrant('bob')
  await calls.oauthRevoke(SVC, access)
  const texts = [access, 'rsa_unknown', 'x', other.refresh, refresh, 'a b', '"', 'eyJhbGciOiJub25lIn0.e30.']
  const first = await get('/check', bearer('no-such-token'))
  assert.equal(first.status, 401)
  assert.equal(headerOf(first, 'www-authenticate'), 'Bearer realm="rescind", error="invalid_token"')
  for (const text of texts) assert.deepEqual(seen(await get('/check', bearer(text))), seen(first), text)
  const late = await calls.oauthToken(OTHER)
  server.clock.advance(3_600_000)
  assert.deepEqual(seen(await get('/check', bearer(late))), seen(first))
})

test('a request without a credential gets 401 without an error code (RFC 6750 §3.1)', async () => {
  for (const headers of [[], ['Authorization: Basic eDp5'], ['Authorization: Bearer'], ['X-Auth-Token: x']]) {
    const answer = await get('/check', ...headers)
    assert.equal(answer.status, 401)
    assert.equal(headerOf(answer, 'www-authenticate'), 'Bearer realm="rescind"')
  }
})

/** Every answer that a gateway could copy headers from, even one that it lets in by its own configuration. */
test('every answer has each identity header once, empty without an identity [H6] [R7]', async () => {
  const token = await calls.oauthToken(OTHER)
  const down = async (): Promise<RawAnswer> => {
    server.power.mode = 'down'
    return get('/check', bearer('text-never-seen')).finally(() => {
      server.power.mode = 'up'
    })
  }
  const answers = [
    [200, await get('/check', bearer(token))],
    [401, await get('/check')],
    [401, await get('/check', bearer('x'))],
    [401, await get('/check', bearer(token), bearer(token))],
    [403, await get('/check/p/writers', bearer(token))],
    [404, await get('/check/p/none', bearer(token))],
    [404, await get('/realms/none/check', bearer(token))],
    [503, await down()],
  ] as const
  for (const [status, answer] of answers) {
    assert.equal(answer.status, status)
    const sent = answer.headers.filter(([name]) => name.startsWith('x-auth-'))
    assert.deepEqual(
      sent.map(([name]) => name),
      [...IDENTITY_HEADERS],
    )
    assert.equal(
      sent.some(([, value]) => value !== ''),
      status === 200,
    )
  }
})

test('a profile demands scopes: 403 for a live token that lacks one, naming none', async () => {
  const token = await calls.oauthToken(OTHER)
  assert.equal((await get('/check/p/orders', bearer(token))).status, 200)
  const lacking = await get('/check/p/writers', bearer(token))
  assert.equal(lacking.status, 403)
  assert.equal(headerOf(lacking, 'www-authenticate'), 'Bearer realm="rescind", error="insufficient_scope"')
  assert.match(lacking.body.toString(), /the credential lacks a required scope/)
  assert.doesNotMatch(lacking.body.toString(), /write/)
})

test('a path or query that a gateway appends changes nothing', async () => {
  const token = await calls.oauthToken(OTHER)
  for (const suffix of [
    '',
    '/',
    '/p/orders',
    '//p/orders',
    '/../orders',
    '/%2e%2e/orders',
    '/a//b?profile=orders&scope=read',
  ]) {
    assert.equal((await get(`/check/p/writers${suffix}`, bearer(token))).status, 403, suffix)
  }
  for (const suffix of ['/', '/orders/7?scope=admin', '/pp/writers', '//p/writers']) {
    assert.equal((await get(`/check${suffix}`, bearer(token))).status, 200, suffix)
  }
})

test('a profile that does not exist lets nobody in', async () => {
  const token = await calls.oauthToken(SVC)
  for (const path of ['/check/p', '/check/p/', '/check/p/none', '/check/p//orders', '/check/p/orders%2fx']) {
    assert.equal((await get(path, bearer(token))).status, 404, path)
  }
})

test('each profile reads the credential from one place only', async () => {
  const identity = await calls.identityToken(BOB)
  const chat = await calls.chatToken('check-ann')
  const oauth = await calls.oauthToken(SVC)
  const places = [
    ['keystone', `X-Auth-Token: ${identity}`, 200],
    ['keystone', bearer(identity), 401],
    ['keystone', `X-Auth-Token: ${oauth}`, 401],
    ['chat', `IM-Authorization: ${chat}`, 200],
    ['chat', `IM-Authorization: ${identity}`, 401],
    ['web', `Cookie: a=b; session=${oauth}; c=d`, 200],
    ['web', `Cookie: session="${oauth}"`, 200],
    ['web', `Cookie: session=x; session=${oauth}`, 401],
    ['web', `Cookie: Session=${oauth}`, 401],
    ['web', bearer(oauth), 401],
    ['billing', bearer(oauth), 401],
  ] as const
  for (const [profile, header, status] of places) {
    assert.equal(
      (await get(`/check/p/${profile}`, header)).status,
      status,
      `${profile}: ${header.split(':')[0]}`,
    )
  }
  const cached = await get('/check/p/web', `Cookie: session=${oauth}`)
  assert.equal(headerOf(cached, 'cache-control'), 'private, max-age=5')
})

test('a token ended by any dialect is refused here at once', async () => {
  const identity = await calls.identityToken(ANN)
  assert.equal((await get('/check', bearer(identity))).status, 200)
  await calls.identity('DELETE', identity, '')
  assert.equal((await get('/check', bearer(identity))).status, 401)
  const chat = await calls.chatToken('check-bob')
  assert.equal((await get('/check', bearer(chat))).status, 200)
  await calls.send('DELETE /admin/clients/check-bob/token', [`IM-API-KEY: ${CHAT.apiKey}`])
  assert.equal((await get('/check', bearer(chat))).status, 401)
})

test('every method is answered alike, HEAD with the headers of GET, and a body of any size is ignored', async () => {
  const token = await calls.oauthToken(SVC)
  const answers = [await get('/check', bearer(token))]
  for (const method of ['HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND']) {
    answers.push(await calls.send(`${method} /check`, [bearer(token)]))
  }
  answers.push(await calls.send('POST /check', [bearer(token), JSON_BODY], Buffer.alloc(200_000, '{')))
  for (const answer of answers) assert.deepEqual(seen(answer), seen(answers[0] ?? answer))
  assert.equal((await get('/check', bearer(token))).status, 200)
})

test('a token of one realm is refused in another, and in an unknown realm', async () => {
  const token = await calls.oauthToken(SVC)
  assert.equal((await get('/realms/default/check', bearer(token))).status, 200)
  assert.equal((await get('/realms/branch/check/x', bearer(token))).status, 401)
  assert.equal((await get('/realms/none/check', bearer(token))).status, 404)
  assert.equal((await get('/realms/branch/check/p/orders', bearer(token))).status, 404)
})

test('[F03] when the store is down it is 503 with Retry-After, not a refusal', async () => {
  server.power.mode = 'down'
  const answer = await get('/check', bearer('text-never-seen'))
  server.power.mode = 'up'
  assert.equal(answer.status, 503)
  assert.equal(headerOf(answer, 'retry-after'), '1')
})

function review(token: string, more: object = {}, query = ''): Promise<RawAnswer> {
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    metadata: { creationTimestamp: null },
    spec: { token, ...more },
  }
  const key = 'Authorization: Bearer orders-api-key-0123456789'
  return calls.send(`POST /control/v1/token-review${query}`, [key, JSON_BODY], JSON.stringify(body))
}

test('a TokenReview gets the same verdict: the user of a live token, and nothing for any other token', async () => {
  const { access } = await calls.oauthGrant('ann')
  const answer = jsonOf(await review(access)) as { status: { user: { extra: Record<string, string[]> } } }
  const handle = answer.status.user.extra['rescind/handle']?.[0] ?? ''
  assert.deepEqual(answer, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    status: {
      authenticated: true,
      user: {
        username: 'oauth:ann',
        uid: 'oauth:ann',
        groups: ['oauth:authenticated'],
        extra: { 'rescind/scope': ['read', 'write'], 'rescind/client': ['svc'], 'rescind/handle': [handle] },
      },
    },
  })
  await calls.oauthRevoke(SVC, access)
  for (const token of [access, 'rsa_unknown', '', 'x'.repeat(20_000)]) {
    assert.deepEqual(jsonOf(await review(token)), {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      status: { authenticated: false },
    })
  }
})

test('no user of ours passes for a user of the cluster, whatever their name [H7]', async () => {
  const named = async (token: string): Promise<unknown> =>
    (jsonOf(await review(token)) as { status: { user: { username: string } } }).status.user.username
  const { access } = await calls.oauthGrant('system:kube-controller-manager')
  assert.equal(await named(access), 'oauth:system:kube-controller-manager')
  assert.equal(await named(await calls.chatToken('admin')), `chat/${CHAT.app}:admin`)
  assert.equal(await named(await calls.identityToken(BOB)), `identity:${BOB.id}`)
})

test('a TokenReview ignores other members that an API server sends, because none are kept', async () => {
  const { access } = await calls.oauthGrant('ann')
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    metadata: { annotations: { of: access } },
    spec: { token: access },
  }
  const answer = await calls.send('POST /control/v1/token-review', [CONTROL, JSON_BODY], JSON.stringify(body))
  assert.equal(answer.status, 200, answer.body.toString())
})

test('a TokenReview applies a profile, and needs the key of a verifier or an operator', async () => {
  const token = await calls.oauthToken(OTHER)
  const authenticated = async (answer: Promise<RawAnswer>): Promise<unknown> =>
    (jsonOf(await answer) as { status: { authenticated: boolean } }).status.authenticated
  assert.equal(await authenticated(review(token, {}, '?profile=orders')), true)
  assert.equal(await authenticated(review(token, {}, '?profile=writers')), false)
  assert.equal((await review(token, {}, '?profile=none')).status, 404)
  const body = { apiVersion: 'authentication.k8s.io/v1beta1', kind: 'TokenReview', spec: { token } }
  const send = (key: string): Promise<RawAnswer> =>
    calls.send('POST /control/v1/token-review', [key, JSON_BODY], JSON.stringify(body))
  assert.equal(
    (jsonOf(await send(CONTROL)) as { apiVersion: string }).apiVersion,
    'authentication.k8s.io/v1beta1',
  )
  assert.equal((await send(bearer(token))).status, 401)
})

test('profiles are created, read, listed, replaced with If-Match, and deleted', async () => {
  const call = (line: string, body?: unknown, ...more: readonly string[]): Promise<RawAnswer> =>
    calls.json(line, body, [CONTROL, ...more])
  const path = '/control/v1/check-profiles'
  const made = await call(`POST ${path}`, { name: 'mine', scopes: ['read'] })
  assert.equal(made.status, 201)
  assert.deepEqual(jsonOf(made), {
    name: 'mine',
    credential: { from: 'authorization' },
    scopes: ['read'],
    maxAgeSeconds: 0,
  })
  assert.equal((await call(`POST ${path}`, { name: 'mine' })).status, 409)
  const tag = headerOf(made, 'etag') ?? ''
  assert.equal((await call(`GET ${path}/mine`, undefined, `If-None-Match: ${tag}`)).status, 304)
  assert.equal((await call(`PUT ${path}/mine`, { scopes: [] }, `If-Match: ${tag}`)).status, 200)
  assert.equal((await call(`PUT ${path}/mine`, { scopes: ['x'] }, `If-Match: ${tag}`)).status, 412)
  assert.equal((await call(`PUT ${path}/new`, {}, 'If-Match: "1"')).status, 412)
  const names = (jsonOf(await call(`GET ${path}?limit=1000`)) as { items: { name: string }[] }).items.map(
    ({ name }) => name,
  )
  assert.ok(names.includes('mine') && names.includes('orders'))
  const page = jsonOf(await call(`GET ${path}?limit=1`)) as { next: string }
  assert.equal((await call(`GET ${path}?limit=1&cursor=${page.next}`)).status, 200)
  assert.equal((await call(`DELETE ${path}/mine`)).status, 204)
  assert.equal((await call(`DELETE ${path}/mine`)).status, 404)
  assert.equal((await call(`PUT ${path}/mine`, {})).status, 201)
  const wrong = [
    { name: 'a/b' },
    { name: '' },
    { name: 'x', credential: { from: 'query', name: 'token' } },
    { name: 'x', credential: { from: 'header', name: 'Cookie' } },
    { name: 'x', credential: { from: 'header', name: 'X-Auth-Subject' } },
    { name: 'x', credential: { from: 'header', name: 'a b' } },
    { name: 'x', scopes: ['a b'] },
    { name: 'x', maxAgeSeconds: 61 },
    { name: 'x', extra: 1 },
    { name: 'x', sources: [] },
  ]
  for (const body of wrong) assert.equal((await call(`POST ${path}`, body)).status, 422, JSON.stringify(body))
})
