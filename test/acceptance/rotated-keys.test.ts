import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CONTROL, JSON_BODY, jsonOf, memberAt, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'

// [W58] A secret must be replaceable without an interruption for those who use it.

const { server, calls } = await openForFile({ time: 'real', flags: ['--control-rate', '0'] })

async function statusOf(line: string, body?: unknown): Promise<number> {
  return (await calls.control(line, body)).status
}

async function verifierIsIn(key: string): Promise<boolean> {
  const headers = [`Authorization: Bearer ${key}`, JSON_BODY]
  const { status } = await calls.send('POST /control/v1/verify', headers, JSON.stringify({ token: 'x' }))
  assert.ok(status === 200 || status === 401, String(status))
  return status === 200
}

async function appIsIn(key: string): Promise<boolean> {
  const { status } = await calls.send('GET /admin/clients', [`IM-API-KEY: ${key}`])
  assert.ok(status === 200 || status === 401, String(status))
  return status === 200
}

type Rotated = {
  readonly make: (name: string) => Promise<string>
  readonly path: (name: string) => string
  readonly member: string
  readonly isIn: (key: string) => Promise<boolean>
  readonly count: (name: string) => Promise<unknown>
}

const KINDS: Readonly<Record<string, Rotated>> = {
  'a verifier’s key': {
    make: async (name) => textAt(await calls.control('POST /verifiers', { name }), 'key'),
    path: (name) => `/verifiers/${name}`,
    member: 'key',
    isIn: verifierIsIn,
    count: async (name) => {
      const { verifiers } = jsonOf(await calls.control('GET /verifiers')) as {
        verifiers: readonly { name: string; keys: number }[]
      }
      return verifiers.find((one) => one.name === name)?.keys
    },
  },
  'a chat app’s API key': {
    make: async (name) => textAt(await calls.control('POST /chat-apps', { name }), 'apiKey'),
    path: (name) => `/chat-apps/${name}`,
    member: 'apiKey',
    isIn: appIsIn,
    count: async (name) => memberAt(await calls.control(`GET /chat-apps/${name}`), 'apiKeys'),
  },
}

for (const [kind, { make, path, member, isIn, count }] of Object.entries(KINDS)) {
  test(`[W58] ${kind} is rotated with an overlap: at most two are valid, and retiring ends the older one`, async () => {
    const first = await make('overlap')
    const own = path('overlap')
    assert.equal(await statusOf(`POST ${own}/retire`), 409, 'the only one stays')
    const second = textAt(await calls.control(`POST ${own}/rotate`), member)
    assert.deepEqual([await isIn(first), await isIn(second), await count('overlap')], [true, true, 2])
    assert.equal(await statusOf(`POST ${own}/rotate`), 409, 'a third one')
    assert.ok((await statusOf(`POST ${own}/retire`)) < 300)
    assert.deepEqual(
      [await isIn(first), await isIn(second), await count('overlap')],
      [false, true, undefined],
    )
    const third = textAt(await calls.control(`POST ${own}/rotate`), member)
    assert.deepEqual([await isIn(first), await isIn(second), await isIn(third)], [false, true, true])
  })

  test(`[W58] ${kind} that leaked right after its creation can be removed, and the previous one stays`, async () => {
    const first = await make('newer')
    const second = textAt(await calls.control(`POST ${path('newer')}/rotate`), member)
    assert.equal(await statusOf(`POST ${path('newer')}/retire`, { which: 'neither' }), 422)
    assert.ok((await statusOf(`POST ${path('newer')}/retire`, { which: 'newer' })) < 300)
    assert.deepEqual([await isIn(first), await isIn(second)], [true, false])
  })

  test(`[W58] both of ${kind} end with their owner, and rotating for an unknown owner is refused`, async () => {
    const first = await make('gone')
    const second = textAt(await calls.control(`POST ${path('gone')}/rotate`), member)
    assert.equal(await statusOf(`DELETE ${path('gone')}`), 204)
    assert.deepEqual([await isIn(first), await isIn(second)], [false, false])
    for (const act of ['rotate', 'retire']) assert.equal(await statusOf(`POST ${path('gone')}/${act}`), 404)
  })

  test(`[W58] a leak list finds either of ${kind}`, async () => {
    const first = await make('leaked')
    const second = textAt(await calls.control(`POST ${path('leaked')}/rotate`), member)
    const list = ['Content-Type: text/plain', CONTROL]
    const found = await calls.send('POST /control/v1/revocations/bulk', list, `${first}\n${second}\n`)
    assert.equal(found.body.toString().split('"result":"credential"').length - 1, 2, found.body.toString())
  })
}

test('[W58] replacing an app’s key ends both, and another change ends none', async () => {
  const first = textAt(await calls.control('POST /chat-apps', { name: 'replaced' }), 'apiKey')
  const second = textAt(await calls.control('POST /chat-apps/replaced/rotate'), 'apiKey')
  assert.equal(await statusOf('PATCH /chat-apps/replaced', { sandbox: true }), 200)
  assert.deepEqual([await appIsIn(first), await appIsIn(second)], [true, true])
  const given = 'kQ2v9Yp7Rw4Xz1Lm8Tn3Jb6Hc5Df0GsA'
  assert.equal(await statusOf('PATCH /chat-apps/replaced', { apiKey: given }), 200)
  assert.deepEqual([await appIsIn(first), await appIsIn(second), await appIsIn(given)], [false, false, true])
})

test('[W58] the client key, which is public, is neither of the two API keys of its app', async () => {
  const first = textAt(await calls.control('POST /chat-apps', { name: 'public' }), 'apiKey')
  const second = textAt(await calls.control('POST /chat-apps/public/rotate'), 'apiKey')
  for (const clientKey of [first, second])
    assert.equal(await statusOf('PATCH /chat-apps/public', { clientKey }), 422)
})

test('[W58] a retired key is valid again only if an operator sets it', async () => {
  const first = textAt(await calls.control('POST /chat-apps', { name: 'again' }), 'apiKey')
  const second = textAt(await calls.control('POST /chat-apps/again/rotate'), 'apiKey')
  assert.equal(await statusOf('POST /chat-apps/again/retire'), 200)
  assert.equal(await statusOf('PATCH /chat-apps/again', { sandbox: true }), 200)
  assert.deepEqual([await appIsIn(first), await appIsIn(second)], [false, true])
  assert.equal(await statusOf('POST /chat-apps/again/rotate', { apiKey: first }), 201)
  assert.deepEqual([await appIsIn(first), await appIsIn(second)], [true, true])
})

test('[W58] a stream opened with the remaining key goes on, one of the retired key ends', async () => {
  const first = textAt(await calls.control('POST /chat-apps', { name: 'streams' }), 'apiKey')
  const open = (key: string): Promise<Response> =>
    fetch(`${server.url}/admin/revocations`, { headers: { 'im-api-key': key } })
  const old = await open(first)
  const second = textAt(await calls.control('POST /chat-apps/streams/rotate'), 'apiKey')
  const fresh = await open(second)
  assert.equal(await statusOf('POST /chat-apps/streams/retire'), 200)
  await old.text()
  const reader = fresh.body?.getReader()
  assert.ok(reader !== undefined)
  await calls.send(
    'POST /admin/clients',
    [`IM-API-KEY: ${second}`, JSON_BODY],
    JSON.stringify({ _id: 'ann', issueAccessToken: true }),
  )
  await calls.send('DELETE /admin/clients/ann/token', [`IM-API-KEY: ${second}`])
  let text = ''
  while (!text.includes('revoked-all')) {
    const { done, value } = await reader.read()
    assert.equal(done, false, text)
    text += Buffer.from(value ?? []).toString()
  }
  await reader.cancel()
})
