import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collectExpired, issueTokens, mintText, PREFIX, revokeToken } from '@rescind/authority'
import { position } from '@rescind/core'
import { RawToken } from '@rescind/core/tokens'
import {
  ADMIN,
  assertError,
  type ChatWorld,
  JSON_BODY,
  OTHER_ADMIN,
  openChat,
  type Reply,
  tokenPath,
} from './fixture.test.ts'

const PATH = tokenPath('u1')
const DAY_MS = 86_400_000

function asOther(world: ChatWorld, method: string, path: string, value: unknown): Promise<Reply> {
  return world.send({ method, path, headers: { ...OTHER_ADMIN, ...JSON_BODY }, body: JSON.stringify(value) })
}

async function withClients(): Promise<ChatWorld> {
  const world = await openChat()
  await world.client('u1')
  await world.client('u2')
  return world
}

test('binding answers with token, client and expiry, and the token works', async () => {
  const { admin, isLive } = await withClients()
  const bound = await admin('PUT', `${PATH}/`, {
    token: 'my $ tok',
    expirationDate: '2026-04-01T00:00:00+02:00',
  })
  assert.equal(
    bound.text,
    '{"RC":0,"RM":"OK","result":{"token":"my $ tok","client":"u1",' +
      '"expirationDate":"2026-03-31T22:00:00.000Z","expirationDateMS":1774994400000}}',
  )
  assert.equal(await isLive('my $ tok'), true)
})

test("without an expirationDate a token lives as long as the app's own", async () => {
  const { admin } = await withClients()
  const bound = await admin('PUT', PATH, { token: 't1' })
  assert.equal(bound.json.result.expirationDate, '2026-03-08T12:00:00.000Z')
})

test('a client may hold many tokens, and binding one ends none', async () => {
  const { admin, client, isLive } = await withClients()
  const [minted = ''] = await client('u1', 1)
  await admin('PUT', PATH, { token: 't1' })
  await admin('PUT', PATH, { token: 't2' })
  for (const token of [minted, 't1', 't2']) assert.equal(await isLive(token), true)
})

test('binding the same text again moves its expiry, and it stays one token', async () => {
  const { admin, clock, recordOf } = await withClients()
  await admin('PUT', PATH, { token: 't1' })
  const before = await recordOf('t1')
  clock.advance(1_000)
  const again = await admin('PUT', PATH, { token: 't1', expirationDate: '2026-12-31T23:59:59.5Z' })
  assert.equal(again.json.result.expirationDate, '2026-12-31T23:59:59.500Z')
  assert.equal((await recordOf('t1'))?.handle, before?.handle)
  const { data } = (await admin('DELETE', PATH)).json.result
  assert.deepEqual(data, [
    {
      token: 't1',
      updatedAt: '2026-03-01T12:00:01.000Z',
      expirationDate: '2026-12-31T23:59:59.500Z',
      createdAt: '2026-03-01T12:00:00.000Z',
      expirationDateMS: 1_798_761_599_500,
    },
  ])
})

test('binding again can also shorten the expiry', async () => {
  const { admin, clock, isLive } = await withClients()
  await admin('PUT', PATH, { token: 't1' })
  await admin('PUT', PATH, { token: 't1', expirationDate: '2026-03-01T12:00:01Z' })
  clock.advance(999)
  assert.equal(await isLive('t1'), true)
  clock.advance(1)
  assert.equal(await isLive('t1'), false)
})

test('text held by a client of this app, another app or another source is 409', async () => {
  const world = await withClients()
  const { admin, realm, isLive } = world
  await admin('PUT', tokenPath('u2'), { token: 'of u2' })
  await asOther(world, 'POST', '/admin/clients', { _id: 'u1', token: 'of globex' })
  const raw = RawToken.parse('of oauth')
  assert(raw !== undefined)
  const dependency = {
    realm: realm.ordinal,
    facts: { source: 'oauth', ancestors: [], position: realm.position(), expiresAtMs: 2 ** 52 },
  }
  await issueTokens(realm, {
    judgedAt: realm.position(),
    caller: { id: 'test', from: 'local', dependency },
    tokens: [{ source: 'oauth', client: 'u1', raw, kind: 'access', expiresAtMs: realm.nowMs() + DAY_MS }],
  })
  const answers = new Set<string>()
  for (const token of ['of u2', 'of globex', 'of oauth']) {
    const answer = await admin('PUT', PATH, { token })
    assertError(answer, 409, 'TOKEN_CONFLICT')
    answers.add(answer.text)
    assert.equal(await isLive(token), true)
  }
  assert.equal(answers.size, 1)
})

test('text that was revoked is 409 for ever: for every client, after expiry and after GC', async () => {
  const world = await withClients()
  const { admin, clock, realms, store, realm } = world
  await admin('PUT', PATH, { token: 'by itself' })
  await admin('PUT', PATH, { token: 'with all' })
  await admin('DELETE', PATH, { token: 'by itself' })
  await admin('DELETE', PATH)
  const refused = async (): Promise<void> => {
    for (const token of ['by itself', 'with all']) {
      for (const path of [PATH, tokenPath('u2')])
        assertError(await admin('PUT', path, { token }), 409, 'TOKEN_CONFLICT')
      assertError(await admin('POST', '/admin/clients', { _id: 'new', token }), 409, 'TOKEN_CONFLICT')
      assertError(await asOther(world, 'POST', '/admin/clients', { _id: 'x', token }), 409, 'TOKEN_CONFLICT')
    }
  }
  await refused()
  clock.advance(30 * DAY_MS)
  await refused()
  realms.ledger.raiseFloor(realm.nowMs())
  await admin('POST', '/admin/clients', { _id: 'u3' })
  assert((await collectExpired(realms, store)) >= 2)
  await refused()
  assert.equal(await realm.directory.get({ name: 'chatClients', keys: () => [] }, 'acme/new'), undefined)
})

test('text whose digest the log alone remembers as revoked is 409', async () => {
  const { admin, realm, recordOf } = await withClients()
  await admin('PUT', PATH, { token: 't1' })
  const record = await recordOf('t1')
  assert(record !== undefined)
  const facts = { source: 'control', ancestors: [], position: realm.position(), expiresAtMs: 2 ** 52 }
  const caller = { id: 'test', from: 'local', dependency: { realm: realm.ordinal, facts } }
  const { digest, handle, source } = record
  const forget = { kind: 'forget-token', token: { digest, handle, source, tombstone: false } } as const
  await revokeToken(realm, record, { caller, how: 'test', also: [forget] })
  assert.equal(await recordOf('t1'), undefined)
  assertError(await admin('PUT', PATH, { token: 't1' }), 409, 'TOKEN_CONFLICT')
})

test('text that expired and was never revoked can be bound again, also to another client', async () => {
  const { admin, clock, isLive, recordOf } = await withClients()
  await admin('PUT', PATH, { token: 't1', expirationDate: '2026-03-01T12:00:01Z' })
  const before = await recordOf('t1')
  clock.advance(1_000)
  assert.equal((await admin('PUT', tokenPath('u2'), { token: 't1' })).status, 200)
  const after = await recordOf('t1')
  assert.equal(after?.client, 'u2')
  assert.notEqual(after?.handle, before?.handle)
  assert.equal(await isLive('t1'), true)
  assertError(await admin('DELETE', PATH, { token: 't1' }), 404, 'TOKEN_NOT_FOUND')
  assert.equal((await admin('DELETE', tokenPath('u2'), { token: 't1' })).status, 200)
})

test('text that a restore lost can be bound again; lost text that was revoked cannot', async () => {
  const { admin, realm, isLive } = await withClients()
  await admin('PUT', PATH, { token: 'lost' })
  await admin('PUT', PATH, { token: 'lost and revoked' })
  await admin('DELETE', PATH, { token: 'lost and revoked' })
  const rule = { kind: 'epoch', ordinal: 2, epochId: 'b', lostBelow: position(2, 0) } as const
  const row = realm.row(rule, { by: 'test', from: 'local', how: 'test' })
  const operations = [{ kind: 'append', row } as const]
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  assert.equal(await isLive('lost'), false)
  assert.equal((await admin('PUT', PATH, { token: 'lost' })).status, 200)
  assert.equal(await isLive('lost'), true)
  assertError(await admin('PUT', PATH, { token: 'lost and revoked' }), 409, 'TOKEN_CONFLICT')
})

test('[S04] text in the format that this server mints is 400, whether live, ended or unknown', async () => {
  const world = await withClients()
  const { admin, client, realm } = world
  const [minted = '', revoked = ''] = await client('u2', 2)
  await admin('DELETE', tokenPath('u2'), { token: revoked })
  const foreign = await asOther(world, 'POST', '/admin/clients', { _id: 'x', issueAccessToken: true })
  const ours = mintText(PREFIX.access, realm.random).reveal()
  const unsigned = minted.slice(0, minted.lastIndexOf('.') + 1)
  for (const token of [
    minted,
    revoked,
    foreign.json.result.token,
    ours,
    `${ours}x`,
    'rsi_anything',
    `${unsigned}AAAA`,
  ]) {
    assertError(await admin('PUT', PATH, { token }), 400, 'INVALID_REQUEST')
    assertError(await admin('POST', '/admin/clients', { _id: 'u9', token }), 400, 'INVALID_REQUEST')
  }
})

test("the vendor's own tokens, which carry no jti, can be bound", async () => {
  const { admin, isLive } = await withClients()
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const header = part({ alg: 'HS256', typ: 'JWT' })
  const signature = 'bu8q6pZAHfJT2ut-AVlwhoJ2kIVoJUcJbmE2jsJT-u8'
  const jwts = [
    `${header}.${part({ id: 'sss', exp: 1592463789, iat: 1591858989 })}.${signature}`,
    `${header}.${part({ id: 'sss', jti: 'some-id' })}.AAAA`,
    `${part({ alg: 'ES256' })}.${part({ jti: 'tok_0123456789abcdefghijkl' })}.AAAA`,
  ]
  for (const token of jwts) {
    assert.equal((await admin('PUT', PATH, { token })).status, 200)
    assert.equal(await isLive(token), true)
  }
})

test('a lifetime of ten years is accepted, one millisecond more is 400', async () => {
  const { admin } = await withClients()
  const at = await admin('PUT', PATH, { token: 't1', expirationDate: '2036-02-27T12:00:00.000Z' })
  assert.equal(at.status, 200)
  const past = await admin('PUT', PATH, { token: 't2', expirationDate: '2036-02-27T12:00:00.001Z' })
  assertError(past, 400, 'INVALID_REQUEST')
})

test('broken bodies are 400 and bind nothing', async () => {
  const { admin, send, isLive } = await withClients()
  const broken: unknown[] = [
    {},
    [],
    'text',
    null,
    { token: '' },
    { token: null },
    { token: 5 },
    { token: ['a'] },
    { token: 'x'.repeat(8_193) },
    { expirationDate: '2027-01-01T00:00:00Z' },
    { token: 't1', expires: 1 },
    { token: 't1', client: 'u2' },
    ...[
      '',
      '2026-03-01T12:00:00Z',
      '2026-02-30T00:00:00Z',
      '2027-01-01',
      '1798761599500',
      1_798_761_599_500,
      {},
    ].map((expirationDate) => ({ token: 't1', expirationDate })),
  ]
  for (const value of broken)
    assert.equal((await admin('PUT', PATH, value)).status, 400, JSON.stringify(value))
  const raw = [
    '',
    '{"token":"t1"',
    '{"token":"t1","token":"t1"}',
    '{"token":"a\\u0000"}',
    '{"token":"\\ud800"}',
  ]
  for (const body of raw) {
    const answer = await send({ method: 'PUT', path: PATH, headers: { ...ADMIN, ...JSON_BODY }, body })
    assert.equal(answer.status, 400, body)
  }
  const typed = { ...ADMIN, 'content-type': 'text/plain' }
  const wrong = await send({ method: 'PUT', path: PATH, headers: typed, body: '{"token":"t1"}' })
  assertError(wrong, 400, 'INVALID_BODY')
  const asked = await send({
    method: 'PUT',
    path: PATH,
    query: 'a=b',
    headers: { ...ADMIN, ...JSON_BODY },
    body: '{"token":"t1"}',
  })
  assertError(asked, 400, 'INVALID_REQUEST')
  assert.equal(await isLive('t1'), false)
})

test('an unknown client is 404, before its token is looked at', async () => {
  const { admin } = await withClients()
  await admin('PUT', PATH, { token: 'taken' })
  for (const token of ['taken', 'free'])
    assertError(await admin('PUT', tokenPath('nobody'), { token }), 404, 'CLIENT_NOT_FOUND')
})

test('binding to a suspended client, or moving an expiry, is 403 until the hold is released', async () => {
  const { admin, realm } = await withClients()
  await admin('PUT', PATH, { token: 't1' })
  const principals = { source: 'chat/acme', client: 'u1' }
  const append = async (rule: Parameters<typeof realm.row>[0]): Promise<void> => {
    const row = realm.row(rule, { by: 'test', from: 'local', how: 'test' })
    await realm.commit({
      realm: realm.ordinal,
      dependsOn: [],
      expects: [],
      operations: [{ kind: 'append', row }],
    })
  }
  await append({ kind: 'hold', id: 'hld_1', target: { kind: 'cut', shape: 'client', principals } })
  for (const token of ['t1', 't2']) assertError(await admin('PUT', PATH, { token }), 403, 'PERMISSION_DENIED')
  assertError(await admin('PUT', tokenPath('u2'), { token: 't1' }), 409, 'TOKEN_CONFLICT')
  const made = await admin('POST', '/admin/clients', { _id: 'u1', issueAccessToken: true })
  assertError(made, 403, 'PERMISSION_DENIED')
  await append({ kind: 'release', id: 'hld_1' })
  for (const token of ['t1', 't2']) assert.equal((await admin('PUT', PATH, { token })).status, 200)
})

test('of many clients that bind one text at once, exactly one gets it', async () => {
  const world = await openChat()
  const { admin, client, recordOf } = world
  const ids = Array.from({ length: 8 }, (_, at) => `u${at}`)
  for (const id of ids) await client(id)
  for (let race = 0; race < 50; race += 1) {
    const token = `prize ${race}`
    const answers = await Promise.all(ids.map((id) => admin('PUT', tokenPath(id), { token })))
    const winners = ids.filter((_, at) => answers[at]?.status === 200)
    assert.equal(winners.length, 1)
    assert.equal((await recordOf(token))?.client, winners[0])
    assert.equal(answers.filter(({ status }) => status === 409).length, ids.length - 1)
  }
})

test("a token's expiry cannot be moved after its revocation, whichever comes first", async () => {
  const { admin, isLive } = await withClients()
  for (let race = 0; race < 100; race += 1) {
    const token = `t ${race}`
    await admin('PUT', PATH, { token })
    const one = { token, expirationDate: '2027-01-01T00:00:00Z' }
    const acts = [() => admin('PUT', PATH, one), () => admin('DELETE', PATH, race % 2 === 0 ? { token } : {})]
    const [first, second] = race % 4 < 2 ? acts : acts.reverse()
    const answers = await Promise.all([first?.(), second?.()])
    for (const answer of answers) assert([200, 409].includes(answer?.status ?? 0))
    assert.equal(await isLive(token), false)
  }
})

test('nothing is bound in a realm that was closed while the request was under way', async () => {
  const { admin, realm } = await withClients()
  realm.setClosed(true)
  assertError(await admin('PUT', PATH, { token: 'late' }), 403, 'PERMISSION_DENIED')
})
