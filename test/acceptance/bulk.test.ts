import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import { test } from 'node:test'
import { EXPIRING_KINDS } from '@rescind/authority'
import { realmOrdinal } from '@rescind/core'
import { Calls, CONTROL, JSON_BODY, memberAt, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { Provider } from '../kit/provider.ts'
import { headerOf, type RawAnswer } from '../kit/raw-http.ts'
import { ANN, SVC } from '../kit/seed.ts'

const BULK = 'POST /control/v1/revocations/bulk'
const TEXT = 'Content-Type: text/plain'
const REAL = '?dryRun=false&reason=leak'

const { server, calls } = await openForFile({
  time: 'hand',
  flags: ['--control-rate', '0', '--allow-internal-fetch'],
})

type Said = Readonly<Record<string, unknown>>

async function send(query: string, body: string, headers: readonly string[] = []): Promise<RawAnswer> {
  // A streamed body closes its connection, so use a new one.
  const own = new Calls(server.port)
  try {
    return await own.send(`${BULK}${query}`, [CONTROL, ...(headers.length > 0 ? headers : [TEXT])], body)
  } finally {
    own.close()
  }
}

async function bulk(query: string, body: string, headers: readonly string[] = []): Promise<Said[]> {
  const answer = await send(query, body, headers)
  assert.equal(answer.status, 200, answer.body.toString())
  return answer.body
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Said)
}

/** The result of each line, without the first and last ones and progress. */
const lines = (said: readonly Said[]): Said[] => said.filter(({ line }) => line !== undefined)

async function handleOf(token: string): Promise<string> {
  const answer = await calls.control('POST /verify', { token })
  return textAt(answer, 'facts', 'handle')
}

async function say(token: string): Promise<string> {
  const answer = await calls.control('POST /verify', { token })
  const { kind, why } = memberAt(answer, 'verdict') as { kind: string; why?: string }
  return why ?? kind
}

test('nothing is revoked without the flag for a real run, which needs a reason', async () => {
  const token = await calls.oauthToken(SVC)
  const handle = await handleOf(token)
  const said = await bulk('', `${token}\n`)
  const named = { handle, source: 'oauth', subject: 'svc', client: 'svc' }
  assert.deepEqual(lines(said), [{ line: 1, result: 'wouldRevoke', ...named }])
  assert.equal(await say(token), 'active')
  assert.equal((await send('?dryRun=false', token)).status, 422)
  assert.deepEqual(lines(await bulk(REAL, token)), [{ line: 1, result: 'revoked', ...named }])
  assert.equal(await say(token), 'revoked')
  assert.deepEqual(lines(await bulk(REAL, token)), [{ line: 1, result: 'already', ...named, why: 'revoked' }])
  const [row] = memberAt(await calls.control('GET /audit?limit=1'), 'rows') as {
    audit: Said
  }[]
  assert.deepEqual(row?.audit, {
    by: 'control:first',
    byName: 'first',
    from: '127.0.0.1',
    how: 'control.revokeInBulk',
    why: 'leak',
  })
})

test('tokens are found in lines of every kind, and the answer never repeats their text', async () => {
  await calls.chatClient('bulk')
  const assigned = await calls.chatBound('bulk-2', 'a text of "somebody" else, 100 %')
  const [plain, inLog, inUri, named, twice, last] = await Promise.all([
    ...[1, 2, 3, 4, 5]
      .map(async () => new Calls(server.port))
      .map(async (each) => {
        const one = await each
        try {
          return await one.oauthToken(SVC)
        } finally {
          one.close()
        }
      }),
    calls.identityToken(ANN),
  ])
  const chat = await calls.chatToken('bulk-3')
  const byHandle = await handleOf(last ?? '')
  const body = [
    plain,
    `10.0.0.1 - - [01/Mar/2026] "GET /x?access_token=${inLog}&y=1 HTTP/1.1" 200 authorization: Bearer ${chat}.`,
    `see secret-token:${inUri} and`,
    JSON.stringify({ token: named, where: 'gist' }),
    `${twice} ${twice}`,
    byHandle,
    `{"level":"info","msg":"token=${twice}"}`,
    `secret-token:${encodeURIComponent(assigned)}`,
    'nothing to see here',
    '',
    `${(plain ?? '').slice(0, -1)}${plain?.endsWith('x') ? 'y' : 'x'}`,
    `tok_${'A'.repeat(21)}Q`,
  ].join('\r\n')
  const answer = await send(REAL, body)
  const text = answer.body.toString()
  for (const one of [plain, inLog, inUri, named, twice, last, chat])
    assert.ok(!text.includes(one ?? ''), 'no text')
  assert.ok(!text.includes('somebody'))
  const said = lines(
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Said),
  )
  const results = said.map(({ line, result, source }) => [line, result, source])
  assert.deepEqual(results, [
    [1, 'revoked', 'oauth'],
    [2, 'revoked', 'oauth'],
    [2, 'revoked', 'chat/acme'],
    [3, 'revoked', 'oauth'],
    [4, 'revoked', 'oauth'],
    [5, 'revoked', 'oauth'],
    [6, 'revoked', 'identity'],
    [7, 'already', 'oauth'],
    [8, 'revoked', 'chat/acme'],
    [9, 'notOurs', undefined],
    [11, 'notOurs', undefined],
    [12, 'unknown', undefined],
  ])
  for (const one of [plain, inLog, inUri, named, twice, last, chat, assigned])
    assert.equal(await say(one ?? ''), 'revoked')
})

test('a refresh token ends with its grant', async () => {
  const { access, refresh } = await calls.oauthGrant('leaked')
  const [one] = lines(await bulk(REAL, refresh))
  assert.equal(one?.['result'], 'revoked')
  assert.match(String(one?.['grant']), /^grt_/)
  assert.equal(await say(access), 'revoked')
})

test('tokens that are already over are reported so, with the reason', async () => {
  const token = await calls.oauthToken(SVC)
  server.clock.advance(3_600_000)
  const [one] = lines(await bulk(REAL, token))
  assert.deepEqual([one?.['result'], one?.['why']], ['already', 'expired'])
})

test('tokens of registered issuers are revoked by their text or by issuer and jti', async () => {
  const idp = await Provider.open('https://bulk.example/', () => server.clock.wallMs() / 1_000)
  try {
    const register = JSON.stringify({ issuer: idp.issuer, jwksUrl: idp.jwksUrl })
    await calls.send('POST /control/v1/issuers', [CONTROL, JSON_BODY], register)
    const [shown, unseen] = [await idp.sign({ jti: 'j1' }), await idp.sign({ jti: 'j2' })]
    const body = `Authorization: Bearer ${shown}\n${JSON.stringify({ issuer: idp.issuer, jti: 'j2' })}\n`
    const source = `iss:${idp.issuer}`
    assert.deepEqual(lines(await bulk(REAL, body)), [
      { line: 1, result: 'revoked', source, jti: 'j1', subject: 'alice' },
      { line: 2, result: 'revoked', source, jti: 'j2' },
    ])
    assert.deepEqual([await say(shown), await say(unseen)], ['revoked', 'revoked'])
    assert.deepEqual(
      lines(await bulk(REAL, body)).map(({ result }) => result),
      ['already', 'already'],
    )
    const stranger = await Provider.open('https://stranger.example/', () => server.clock.wallMs() / 1_000)
    assert.deepEqual(lines(await bulk(REAL, await stranger.sign())), [{ line: 1, result: 'notOurs' }])
    stranger.close()
  } finally {
    idp.close()
  }
})

test('a line at the length bound is searched, a longer one is skipped, and the next one is searched', async () => {
  const token = await calls.oauthToken(SVC)
  const long = (bytes: number): string => `${'x '.repeat(bytes).slice(0, bytes - token.length)}${token}`
  const said = await bulk('', `${long(65_537)}\n${long(65_536)}\n${token}\n`)
  assert.deepEqual(
    lines(said).map(({ line, result }) => [line, result]),
    [
      [1, 'tooLong'],
      [2, 'wouldRevoke'],
      [3, 'already'],
    ],
  )
  const { line: _line, ...sum } = said.at(-1) ?? {}
  assert.deepEqual(sum, {
    done: true,
    lines: 3,
    revoked: 0,
    wouldRevoke: 1,
    already: 1,
    unknown: 0,
    otherRealm: 0,
    credential: 0,
    notOurs: 0,
    tooMany: 0,
    unreadable: 0,
    tooLong: 1,
  })
})

test('a call takes as many lines as it says, and no more', async () => {
  const said = (await bulk('', `${'\n'.repeat(250_000)}x`)).at(-1)
  assert.match(String(said?.['error']), /a call takes 250000 lines/)
  assert.equal(said?.['lines'], 250_000)
})

test('with an Idempotency-Key a second call repeats the result of the first, and another body is refused', async () => {
  const token = await calls.oauthToken(SVC)
  const headers = [TEXT, 'Idempotency-Key: incident-7']
  const first = await bulk(REAL, `${token}\nx\n`, headers)
  assert.equal(first.at(-1)?.['revoked'], 1)
  const again = await bulk(REAL, `${token}\nx\n`, headers)
  const [{ resumedAfter, ...head } = {}, ...rest] = again
  assert.equal(resumedAfter, 2)
  assert.deepEqual(
    [head, ...rest],
    first.filter(({ progress }) => progress === undefined).map(({ resumedAfter: _none, ...one }) => one),
  )
  assert.equal(headerOf(await send(REAL, `${token}\nx\n`, headers), 'idempotent-replayed'), 'true')
  assert.deepEqual(lines(await bulk(`${REAL}&reportAfter=1`, `${token}\nx\n`, headers)), [
    { line: 2, result: 'notOurs' },
  ])
  for (const other of [`${token}\ny\n`, `${token}\n`, `${token}\nx\nmore\n`, ''])
    assert.equal((await send(REAL, other, headers)).status, 422, other)
  assert.equal((await send(`${REAL}&note=other`, `${token}\nx\n`, headers)).status, 422)
})

test('a second call with a key while the first is running is refused, and the first goes on', async () => {
  const token = await calls.oauthToken(SVC)
  const key = 'incident-9'
  const request = http.request(`${server.url}/control/v1/revocations/bulk${REAL}`, {
    method: 'POST',
    headers: {
      authorization: CONTROL.slice('Authorization: '.length),
      'content-type': 'text/plain',
      'idempotency-key': key,
    },
  })
  request.write(`${token}\n`)
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  const second = await send(REAL, `${token}\n`, [TEXT, `Idempotency-Key: ${key}`])
  assert.equal(second.status, 409)
  request.end()
  let text = ''
  for await (const chunk of response as AsyncIterable<Buffer>) text += chunk.toString()
  assert.match(text, /"done":true,"lines":1,"revoked":1/)
})

test('a key that is revoked while its call runs ends the call', async () => {
  const made = await calls.send(
    'POST /control/v1/keys',
    [CONTROL, JSON_BODY],
    '{"name":"r","role":"responder"}',
  )
  const request = http.request(`${server.url}/control/v1/revocations/bulk${REAL}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${textAt(made, 'key')}`, 'content-type': 'text/plain' },
  })
  request.write('nothing\n')
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  const id = textAt(made, 'id')
  assert.equal((await calls.control(`DELETE /keys/${id}`)).status, 204)
  const token = await calls.oauthToken(SVC)
  request.end(token)
  let text = ''
  for await (const chunk of response as AsyncIterable<Buffer>) text += chunk.toString()
  assert.match(text, /"error":"this key was revoked"/)
  assert.equal(await say(token), 'active')
})

test('tokens of another realm are named to a key of all realms, and unknown to a key of one', async () => {
  const token = await calls.oauthToken(SVC)
  const handle = await handleOf(token)
  assert.equal(
    (await calls.send('POST /control/v1/realms', [CONTROL, JSON_BODY], '{"name":"apart"}')).status,
    201,
  )
  const said = lines(await bulk(`${REAL}&realm=apart`, `${token}\n${handle}\n`))
  assert.deepEqual(
    said,
    [1, 2].map((line) => ({
      ...{ line, result: 'otherRealm', realm: 'default' },
      ...{ handle, source: 'oauth', subject: 'svc', client: 'svc' },
    })),
  )
  const key = { name: 'apart', role: 'responder', realm: 'apart' }
  const own = new Calls(server.port)
  const by = [`Authorization: Bearer ${textAt(await calls.control('POST /keys', key), 'key')}`, TEXT]
  const answer = await own.send(`${BULK}${REAL}`, by, `${token}\n${handle}\n`)
  own.close()
  assert.match(answer.body.toString(), /"line":1,"result":"unknown"}\n{"line":2,"result":"unknown"/)
  assert.ok(!answer.body.toString().includes('default'))
  assert.equal(await say(token), 'active')
})

test('a call interrupted by an outage resumes where it was when it is sent again', async () => {
  const headers = [TEXT, 'Idempotency-Key: incident-8']
  const tokens: string[] = []
  for (let nth = 0; nth < 400; nth += 1) tokens.push(await calls.oauthToken(SVC))
  const body = tokens.join('\n')
  const request = http.request(`${server.url}/control/v1/revocations/bulk${REAL}`, {
    method: 'POST',
    headers: {
      authorization: CONTROL.slice('Authorization: '.length),
      'content-type': 'text/plain',
      'idempotency-key': 'incident-8',
    },
  })
  request.write(`${tokens.slice(0, 300).join('\n')}\n`)
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  let text = ''
  for await (const chunk of response as AsyncIterable<Buffer>) {
    text += chunk.toString()
    if (!text.includes('"progress"') || request.writableEnded) continue
    server.power.mode = 'down'
    request.end(tokens.slice(300).join('\n'))
  }
  assert.match(text, /"error":"the store is away/)
  server.power.mode = 'up'
  const second = await bulk(REAL, body, headers)
  const resumed = Number(second[0]?.['resumedAfter'])
  assert.ok(resumed > 0 && resumed < 400, String(resumed))
  assert.equal(second.at(-1)?.['done'], true)
  assert.equal(second.at(-1)?.['lines'], 400)
  assert.equal(second.at(-1)?.['revoked'], 400, 'what was under way when it broke off is its own, too')
  assert.deepEqual(
    lines(second).map(({ line, result }) => [line, result]),
    tokens.map((_, nth) => [nth + 1, 'revoked']),
    'lines that were done before are reported, each once',
  )
  const { bulk: id } = second[0] ?? {}
  const status = memberAt(await calls.control(`GET /revocations/bulk/${id}`), 'state')
  assert.equal(status, 'done')
  const receipts = memberAt(await calls.control(`GET /revocations?cause=${id}&limit=500`), 'revocations')
  assert.equal((receipts as object[]).length, 400)
  for (const token of tokens) assert.equal(await say(token), 'revoked')
})

test('the caller must have the right, and other types of bodies are refused', async () => {
  const viewer = textAt(
    await calls.send('POST /control/v1/keys', [CONTROL, JSON_BODY], '{"name":"v","role":"viewer"}'),
    'key',
  )
  const own = new Calls(server.port)
  assert.equal((await own.send(BULK, [`Authorization: Bearer ${viewer}`, TEXT], 'x')).status, 403)
  own.close()
  assert.equal((await send('', '{}', ['Content-Type: application/json'])).status, 415)
  assert.equal((await send('?dryRun=no', 'x')).status, 422)
})

test('a dry run counts what is there twice once, as the real one would', async () => {
  const { access, refresh } = await calls.oauthGrant('twice', SVC)
  const body = [access, `x=${access}`, refresh, access, await handleOf(refresh)].join('\n')
  const dry = await bulk('', body)
  assert.deepEqual(
    lines(dry).map(({ result, why }) => [result, why]),
    [
      ['wouldRevoke', undefined],
      ['already', 'repeated'],
      ['wouldRevoke', undefined],
      ['already', 'repeated'],
      ['already', 'repeated'],
    ],
  )
  const { revoked, already } = (await bulk(REAL, body)).at(-1) ?? {}
  const { wouldRevoke, already: repeated } = dry.at(-1) ?? {}
  assert.deepEqual([revoked, already], [wouldRevoke, repeated])
})

test('what a killed server had revoked before it could say so is reported by the call that goes on', async () => {
  const tokens: string[] = []
  for (let nth = 0; nth < 3; nth += 1) tokens.push(await calls.oauthToken(SVC))
  const ended = await calls.oauthToken(SVC)
  await bulk(REAL, ended)
  const headers = [TEXT, 'Idempotency-Key: incident-killed']
  const body = [...tokens, ended, tokens[0]].join('\n')
  const first = await bulk(REAL, body, headers)
  const id = String(first[0]?.['bulk'])
  // The rows were durable and the progress was not: as if nothing had been done.
  const entry = { kind: EXPIRING_KINDS.bulkProgress, id: id.slice('blk_'.length) }
  const ordinal = realmOrdinal(1)
  const found = await server.store.expiring(ordinal, entry)
  const kept = JSON.parse(Buffer.from(found?.value ?? []).toString()) as { counts: object }
  const counts = Object.fromEntries(Object.keys(kept.counts).map((name) => [name, 0]))
  const value = { ...kept, isDone: false, counts, hash: createHash('sha256').digest('base64url') }
  const bytes = Buffer.from(JSON.stringify(value))
  const put = { ...entry, value: bytes, expiresAtMs: found?.expiresAtMs ?? 0 }
  const operations = [{ kind: 'put-expiring' as const, entry: put }]
  const write = { realm: ordinal, dependsOn: [], expects: [], operations }
  await server.store.commit({ writes: [write], floorMs: await server.store.floor() })
  assert.equal(memberAt(await calls.control(`GET /revocations/bulk/${id}`), 'state'), 'interrupted')
  const second = await bulk(REAL, body, headers)
  assert.deepEqual(
    lines(second).map(({ result }) => result),
    ['revoked', 'revoked', 'revoked', 'already', 'already'],
  )
  assert.deepEqual(second.at(-1), first.at(-1))
})

test('a call is found by its id or its Idempotency-Key, and by no other key', async () => {
  const headers = [TEXT, 'Idempotency-Key: incident-status']
  const [head] = await bulk('', 'nothing here', headers)
  const byKey = memberAt(await calls.control('GET /revocations/bulk?idempotencyKey=incident-status'), 'bulk')
  const [status] = byKey as Said[]
  assert.deepEqual([status?.['bulk'], status?.['state'], status?.['dryRun']], [head?.['bulk'], 'done', true])
  assert.equal(Object(status).counts.notOurs, 1)
  const other = textAt(await calls.control('POST /keys', { name: 'o', role: 'viewer' }), 'key')
  const by = `Authorization: Bearer ${other}`
  const none = await calls.control('GET /revocations/bulk?idempotencyKey=incident-status', undefined, by)
  assert.deepEqual(memberAt(none, 'bulk'), [])
  assert.equal((await calls.control(`GET /revocations/bulk/${head?.['bulk']}`, undefined, by)).status, 200)
  for (const id of ['blk_x', 'blk_', 'x', String(head?.['bulk']).slice(4)])
    assert.equal((await calls.control(`GET /revocations/bulk/${id}`)).status, 404, id)
})

test('after many finished lines the answer begins at once, and another body is its last line', async () => {
  const headers = [TEXT, 'Idempotency-Key: incident-long']
  const many = '\n'.repeat(10_001)
  const first = await bulk('', many, headers)
  assert.equal(first.at(-1)?.['lines'], 10_001)
  assert.deepEqual((await bulk('', many, headers)).at(-1), first.at(-1))
  const other = await bulk('', `x${many}`, headers)
  assert.match(String(other.at(-1)?.['error']), /belongs to another body; nothing was written/)
  assert.equal((await bulk('', `${many}x`, headers)).at(-1)?.['done'], undefined)
})
