import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basic, Calls, FORM_BODY, jsonOf, memberAt } from '../kit/calls.ts'
import { openForFile, openServer } from '../kit/in-process.ts'
import { headerOf, latin1, type RawAnswer, rawExchange } from '../kit/raw-http.ts'
import { ANN, BOB, CHAT, EVE, GATEWAY, OTHER, ROOT, SVC } from '../kit/seed.ts'

/** Requests as the three seed pages print them, and every status that the pages list. */

const { server, calls } = await openForFile({ time: 'hand', flags: ['--identity-rate', '0'] })

/** Converts the lines of a page to those of the wire. */
function printed(text: string): Buffer {
  const [head = '', ...body] = text.split('\n\n')
  return latin1(`${head.replaceAll('\n', '\r\n')}\r\n\r\n${body.join('\n\n')}`)
}

async function withStore<T>(mode: 'down' | 'broken', act: () => Promise<T>): Promise<T> {
  server.power.mode = mode
  try {
    return await act()
  } finally {
    server.power.mode = 'up'
  }
}

// Seed 000, "Revoke Client Token(s)".

const SEED_000 = `DELETE /admin/clients/1485248560558%7D/token/ HTTP/1.1
IM-API-KEY: 2JYpYhDaQlIQlDSvVLCLLo2MPzFfVm9jYpxw2vuBrmk=
Content-Type: application/json; charset=utf-8
Host: 104.199.197.188:3100
Connection: close
User-Agent: Paw/3.1.5 (Macintosh; OS X/10.13.3) GCDHTTPRequest
Content-Length: 26

{"token":"test-token$123"}`

type ChatToken = {
  readonly token: string
  readonly updatedAt: string
  readonly expirationDate: string
  readonly createdAt: string
  readonly expirationDateMS: number
}

function revokedTokens(answer: RawAnswer): readonly ChatToken[] {
  assert.equal(answer.statusLine, 'HTTP/1.1 200 OK')
  assert.equal(headerOf(answer, 'content-type'), 'application/json')
  const envelope = jsonOf(answer) as { readonly result: { readonly data: readonly ChatToken[] } }
  assert.deepEqual(Object.keys(envelope), ['RC', 'RM', 'result'])
  assert.deepEqual({ ...envelope, result: {} }, { RC: 0, RM: 'OK', result: {} })
  assert.deepEqual(Object.keys(envelope.result), ['data'])
  return envelope.result.data
}

test('seed 000, 200: the printed request revokes the one token, and lists it with the five members', async () => {
  const id = '1485248560558}'
  await calls.chatBound(id, 'test-token$123')
  await calls.chatBound(id, 'another')
  const answer = await rawExchange(server.port, printed(SEED_000))
  const [record, ...more] = revokedTokens(answer)
  assert.equal(headerOf(answer, 'connection'), 'close')
  assert.deepEqual(more, [])
  assert.ok(record !== undefined)
  const names = ['token', 'updatedAt', 'expirationDate', 'createdAt', 'expirationDateMS']
  assert.deepEqual(Object.keys(record), names, 'in the order of the page')
  assert.equal(record.token, 'test-token$123')
  for (const date of [record.updatedAt, record.createdAt, record.expirationDate])
    assert.match(date, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.equal(record.expirationDateMS, Date.parse(record.expirationDate))
  assert.equal(record.expirationDateMS - Date.parse(record.createdAt), 604_800_000, '7 days')
  assert.equal((await calls.chatMe('test-token$123')).status, 401)
  assert.equal((await calls.chatMe('another')).status, 200, 'the other token of the client lives')
})

test('seed 000: the id in the path is fully decoded: "…558}" is not "…558"', async () => {
  await calls.chatBound('1485248560558', 'of-the-other-id')
  const answer = await rawExchange(server.port, printed(SEED_000))
  assert.equal(answer.status, 404, 'revoked already')
  assert.equal(memberAt(answer, 'error', 'code'), 'TOKEN_NOT_FOUND')
  assert.equal((await calls.chatMe('of-the-other-id')).status, 200)
})

test('seed 000, 200: without a token in the body, all access tokens of the client are revoked', async () => {
  const first = await calls.chatToken('sss')
  server.clock.advance(706)
  const second = await calls.chatToken('sss')
  const stranger = await calls.chatToken('sss2')
  const all = SEED_000.replace('1485248560558%7D', 'sss')
    .replace('26', '2')
    .replace(/\{.*\}$/, '{}')
  const records = revokedTokens(await rawExchange(server.port, printed(all)))
  assert.deepEqual(
    records.map(({ token }) => token),
    [first, second],
  )
  assert.equal(Date.parse(records[1]?.createdAt ?? '') - Date.parse(records[0]?.createdAt ?? ''), 706)
  for (const token of [first, second]) assert.equal((await calls.chatMe(token)).status, 401)
  assert.equal((await calls.chatMe(stranger)).status, 200)
  assert.deepEqual(revokedTokens(await rawExchange(server.port, printed(all))), [], 'nothing is left')
})

test('seed 000: an issued token is a JWT as the page shows them, with its own jti', async () => {
  const body = JSON.stringify({
    _id: 'jwt',
    nickname: 'SSS',
    avatarUrl: 'http://h/1',
    issueAccessToken: true,
  })
  const headers = [`IM-API-KEY: ${CHAT.apiKey}`, 'Content-Type: application/json']
  const token = String(memberAt(await calls.send('POST /admin/clients', headers, body), 'result', 'token'))
  const [header = '', payload = '', signature = ''] = token.split('.')
  assert.equal(header, 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9')
  assert.match(signature, /^[\w-]{43}$/)
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as {
    exp: number
    iat: number
  }
  assert.deepEqual(Object.keys(claims), ['id', 'nickname', 'avatarUrl', 'exp', 'iat', 'jti'])
  assert.equal(claims.exp - claims.iat, 604_800)
})

// Seed 001, "Revoke token".

const SEED_001 = (caller: string): string =>
  `DELETE /v2.0/tokens HTTP/1.1\nHost: 127.0.0.1:8080\nX-Auth-Token: ${caller}\n\n`

/** The page's table of response codes. Its names are the reason phrases. */
const NAMES_001: Readonly<Record<number, string>> = {
  204: 'No content',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Invalid Method',
  413: 'Over Limit',
  503: 'Service Fault',
}

async function fault(text: string, status: number, name: string): Promise<RawAnswer> {
  const answer = await rawExchange(server.port, printed(text))
  assert.equal(answer.statusLine, `HTTP/1.1 ${status} ${NAMES_001[status] ?? 'not on the page'}`)
  const body = jsonOf(answer) as Record<string, { readonly code: number; readonly message: string }>
  assert.deepEqual(Object.keys(body), [name])
  assert.equal(body[name]?.code, status)
  return answer
}

test('seed 001, 204: a user revokes its own token without naming it; then it is 401', async () => {
  const token = await calls.identityToken(BOB)
  const answer = await rawExchange(server.port, printed(SEED_001(token)))
  assert.equal(answer.statusLine, `HTTP/1.1 204 ${NAMES_001[204]}`)
  assert.equal(answer.body.length, 0)
  for (const name of ['content-type', 'content-length', 'transfer-encoding'])
    assert.equal(headerOf(answer, name), undefined, `204 has no ${name}`)
  const again = await fault(SEED_001(token), 401, 'unauthorized')
  assert.match(headerOf(again, 'www-authenticate') ?? '', /^Keystone uri="/)
})

test('seed 001, 204: an Identity or user administrator revokes the token of another, named in the URI', async () => {
  for (const [admin, place] of [
    [ROOT, '/'],
    [ANN, '/'],
    [ROOT, '?tokenId='],
  ] as const) {
    const [caller, target] = [await calls.identityToken(admin), await calls.identityToken(BOB)]
    const text = SEED_001(caller).replace('/v2.0/tokens', `/v2.0/tokens${place}${target}`)
    assert.equal((await rawExchange(server.port, printed(text))).status, 204)
    assert.equal((await calls.identity('GET', caller, target)).status, 404)
    await fault(text, 404, 'itemNotFound')
  }
})

test('seed 001: 400, 401, 403, 404 and 405, each in the words of its fault', async () => {
  const [root, eve, bob] = [
    await calls.identityToken(ROOT),
    await calls.identityToken(EVE),
    await calls.identityToken(BOB),
  ]
  const at = (caller: string, rest: string): string =>
    SEED_001(caller).replace('/v2.0/tokens', `/v2.0/tokens${rest}`)
  await fault(at(root, `/${bob}?tokenId=${eve}`), 400, 'badRequest')
  await fault(at('nobody', ''), 401, 'unauthorized')
  await fault(SEED_001('x').replace('X-Auth-Token: x\n', ''), 401, 'unauthorized')
  await fault(at(bob, `/${root}`), 403, 'forbidden')
  await fault(at(eve, `/${bob}`), 403, 'forbidden')
  await fault(at(root, '/invalid'), 404, 'itemNotFound')
  const refused = await fault(SEED_001(root).replace('DELETE', 'PUT'), 405, 'badMethod')
  assert.equal(headerOf(refused, 'allow'), 'DELETE, POST')
  for (const token of [root, eve, bob]) assert.ok(await calls.isActive(GATEWAY, token))
})

test('seed 001, 413: above the rate the answer has Retry-After, and nothing is revoked', async () => {
  const limited = await openServer({ time: 'hand' })
  const own = new Calls(limited.port)
  try {
    const token = await own.identityToken(ROOT)
    for (let count = 0; count < 50; count += 1)
      assert.equal((await own.identity('HEAD', token, token)).status, 200)
    const answer = await rawExchange(limited.port, printed(SEED_001(token)))
    assert.equal(answer.statusLine, `HTTP/1.1 413 ${NAMES_001[413]}`)
    assert.equal(headerOf(answer, 'retry-after'), '1')
    assert.deepEqual(Object.keys(memberAt(answer, 'overLimit') as object), ['code', 'message', 'retryAt'])
    limited.clock.advance(1_000)
    assert.equal((await own.identity('GET', token, token)).status, 200, 'it was not revoked')
    assert.equal((await rawExchange(limited.port, printed(SEED_001(token)))).status, 204)
  } finally {
    own.close()
    await limited.close()
  }
})

test('seed 001, 503: nothing is acknowledged while the store is down; trying again is safe', async () => {
  const token = await calls.identityToken(BOB)
  const answer = await withStore('down', () => fault(SEED_001(token), 503, 'serviceUnavailable'))
  assert.equal(headerOf(answer, 'retry-after'), '1')
  assert.equal((await rawExchange(server.port, printed(SEED_001(token)))).status, 204)
})

// Seed 002, "Revoke Auth Token".

const SEED_002 = (authorization: string, form: string): string =>
  [
    'POST /api/id/v1/auth/token/revoke HTTP/1.1',
    'Host: 127.0.0.1:8080',
    authorization,
    FORM_BODY,
    `Content-Length: ${form.length}`,
    '',
    form,
  ].join('\n')

async function refusal(text: string, status: number): Promise<RawAnswer> {
  const answer = await rawExchange(server.port, printed(text))
  assert.equal(answer.status, status)
  assert.equal(headerOf(answer, 'content-type'), 'application/json')
  const body = jsonOf(answer) as Record<string, unknown>
  assert.deepEqual(Object.keys(body), ['error', 'error_description', 'errorDescription'])
  for (const value of Object.values(body)) assert.ok(typeof value === 'string' && value.length > 0)
  return answer
}

test('seed 002, 200: an access token and a refresh token are revoked, with either type named', async () => {
  for (const [kind, type] of [
    ['access', 'access_token'],
    ['refresh', 'refresh_token'],
    ['access', 'refresh_token'],
  ] as const) {
    const pair = await calls.oauthGrant('user-1')
    const text = SEED_002(basic(SVC), `token=${pair[kind]}&token_type_hint=${type}`)
    const answer = await rawExchange(server.port, printed(text))
    assert.equal(answer.statusLine, 'HTTP/1.1 200 OK')
    assert.equal(headerOf(answer, 'content-type'), 'application/json')
    assert.equal(answer.body.toString(), '{}')
    assert.equal(await calls.isActive(SVC, pair[kind]), false)
  }
})

test('seed 002: 400, 401, 403 and 500, each as {error, errorDescription}', async () => {
  const [own, foreign] = [await calls.oauthToken(SVC), await calls.oauthToken(OTHER)]
  await refusal(SEED_002(basic(SVC), 'token_type_hint=access_token'), 400)
  await refusal(SEED_002(basic({ ...SVC, clientSecret: 'wrong' }), `token=${own}`), 401)
  const denied = await refusal(SEED_002(basic(SVC), `token=${foreign}`), 403)
  assert.equal(memberAt(denied, 'error'), 'Forbidden')
  assert.equal(memberAt(denied, 'errorDescription'), 'permission denied')
  const never = `rsa_${'0'.repeat(30)}2C8GjS`
  await withStore('broken', () => refusal(SEED_002(basic(SVC), `token=${never}`), 500))
  const outage = await withStore('down', () => refusal(SEED_002(basic(SVC), `token=${own}`), 503))
  assert.equal(headerOf(outage, 'retry-after'), '1')
  assert.ok((await calls.isActive(SVC, own)) && (await calls.isActive(OTHER, foreign)), 'nothing was revoked')
})
