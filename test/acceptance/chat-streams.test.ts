import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { EventSource } from 'eventsource'
import { API_KEY, Calls, JSON_BODY } from '../kit/calls.ts'
import { openServer, type TestServer } from '../kit/in-process.ts'
import { CHAT } from '../kit/seed.ts'

const HEADERS = { 'IM-API-KEY': CHAT.apiKey }
/** How soon a chat server must know that a token has ended. */
const CLOSED_WITHIN_MS = 1_000
/** Ten years: the longest life of a text. */
const LONGEST_LIFE_MS = 3_650 * 86_400_000

function listen({ url }: TestServer, path: string): EventSource {
  const open: typeof fetch = (input, init) =>
    fetch(input, { ...init, headers: { ...HEADERS, ...init?.headers } })
  return new EventSource(`${url}${path}`, {
    fetch: (input, init) => open(input, { ...init, headers: init.headers }),
  })
}

type Told = { readonly client: string; readonly token?: string; readonly tokens?: readonly string[] }

async function next(source: EventSource, event: string): Promise<Told> {
  const [{ data }] = (await once(source, event)) as [{ readonly data: string }]
  return JSON.parse(data) as Told
}

test('[F16] a chat server with sockets learns in time which of them to close, without any token text', async () => {
  const server = await openServer({ time: 'real' })
  const calls = new Calls(server.port)
  const source = listen(server, '/admin/revocations')
  try {
    await once(source, 'ready')
    const sockets = new Map<string, string>()
    for (const client of ['ann', 'bob']) {
      const me = await calls.chatMe(await calls.chatToken(client))
      sockets.set(me.headers.find(([name]) => name === 'im-token-id')?.[1] ?? '', client)
    }
    assert.deepEqual([...sockets.values()], ['ann', 'bob'])
    const annsToken = await calls.chatBound('ann', 'bound-to-ann')
    const started = performance.now()
    const one = next(source, 'revoked')
    await calls.chatRevoke('ann', annsToken)
    assert.equal((await one).client, 'ann')
    const all = next(source, 'revoked-all')
    await calls.chatRevoke('ann')
    const told = await all
    assert.ok(performance.now() - started < CLOSED_WITHIN_MS)
    assert.equal(told.client, 'ann')
    for (const handle of told.tokens ?? []) sockets.delete(handle)
    assert.deepEqual([...sockets.values()], ['bob'])
  } finally {
    source.close()
    calls.close()
    await server.close()
  }
})

test('[W30] a chat server learns within seconds that a token expired, and only its id', async () => {
  const server = await openServer({ time: 'hand' })
  const calls = new Calls(server.port)
  const source = listen(server, '/admin/revocations')
  try {
    await once(source, 'ready')
    const text = await calls.chatBound('ann', 'bound-to-ann')
    const token = (await calls.chatMe(text)).headers.find(([name]) => name === 'im-token-id')?.[1]
    const expired = next(source, 'expired')
    server.clock.advance(LONGEST_LIFE_MS)
    const told = await expired
    assert.deepEqual([told.client, told.token], ['ann', token])
    assert.doesNotMatch(JSON.stringify(told), /bound-to-ann/)
    assert.equal((await calls.chatMe(text)).status, 401)
  } finally {
    source.close()
    calls.close()
    await server.close()
  }
})

test('a stopping server ends its streams at once, and waits for none', async () => {
  const server = await openServer({ time: 'real' })
  const reply = await fetch(`${server.url}/admin/revocations`, { headers: HEADERS })
  const reader = reply.body?.getReader() ?? assert.fail('no body')
  await reader.read()
  const started = performance.now()
  await server.close()
  assert.ok(performance.now() - started < 4_000)
  for (let read = await reader.read(); !read.done; read = await reader.read());
})

test('readers that leave make room for others, even without an event', async () => {
  const server = await openServer({ time: 'real' })
  const leave = new AbortController()
  const open = (signal?: AbortSignal): Promise<Response> =>
    fetch(`${server.url}/admin/revocations`, {
      headers: HEADERS,
      ...(signal === undefined ? {} : { signal }),
    })
  try {
    const opened = await Promise.all(Array.from({ length: 64 }, () => open(leave.signal)))
    assert.deepEqual([...new Set(opened.map(({ status }) => status))], [200])
    const over = await open()
    assert.equal(over.status, 429)
    const body = (await over.json()) as Readonly<Record<string, unknown>>
    assert.deepEqual([body['RC'], typeof body['retryAfter']], [429, 'number'])
    leave.abort()
    let status = 429
    for (let tries = 0; status === 429 && tries < 200; tries += 1) status = (await open()).status
    assert.equal(status, 200)
  } finally {
    leave.abort()
    await server.close()
  }
})

test('another app gets no events, and a caller without an API key is refused', async () => {
  const server = await openServer({ time: 'real' })
  const calls = new Calls(server.port)
  try {
    const rival = { 'IM-API-KEY': 'rival-api-key-0123456789' }
    const reply = await fetch(`${server.url}/admin/revocations`, { headers: rival })
    const reader = reply.body?.getReader() ?? assert.fail('no body')
    const first = Buffer.from((await reader.read()).value ?? []).toString()
    assert.match(first, /event: ready/)
    await calls.chatToken('ann')
    await calls.chatRevoke('ann')
    const made = await calls.send(
      'POST /admin/clients',
      ['IM-API-KEY: rival-api-key-0123456789', JSON_BODY],
      '{"_id":"zoe","issueAccessToken":true}',
    )
    assert.equal(made.status, 200)
    await calls.send('DELETE /admin/clients/zoe/token', ['IM-API-KEY: rival-api-key-0123456789'])
    const told = Buffer.from((await reader.read()).value ?? []).toString()
    assert.match(told, /"client":"zoe"/)
    assert.doesNotMatch(told, /ann/)
    await reader.cancel()
    assert.equal((await calls.send('GET /admin/revocations')).status, 401)
    assert.equal((await calls.send('GET /admin/clients/nobody/revocations', [API_KEY])).status, 404)
  } finally {
    calls.close()
    await server.close()
  }
})
