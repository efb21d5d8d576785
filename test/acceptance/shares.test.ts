import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Calls, memberAt } from '../kit/calls.ts'
import { openServer, type TestServer } from '../kit/in-process.ts'
import { Provider } from '../kit/provider.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { until } from '../kit/until.ts'

// A caller can use up only its own share. Each case has a second caller, who is unaffected.

const PROXY = ['--behind-proxy', '127.0.0.1/32']

type Silent = { readonly url: string; open: number; readonly close: () => void }

/** A server that never answers. */
async function openSilent(): Promise<Silent> {
  const server = http.createServer()
  const silent = { url: '', open: 0, close: () => server.closeAllConnections() }
  server.on('request', () => {
    silent.open += 1
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(silent, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  })
}

async function openQuick(): Promise<{ readonly url: string; readonly close: () => void }> {
  const server = http.createServer((request, response) => {
    request.resume()
    request.on('end', () =>
      response.end(JSON.stringify({ id: 'u1', exp: Math.floor(Date.now() / 1_000) + 600 })),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/`, close: () => void server.close() }
}

function app(name: string, verifyUrl: string): object {
  return { name, apiKey: `api-key-of-${name}-0123456789`, clientKey: `client-key-of-${name}`, verifyUrl }
}

/** On separate connections, so that no call waits for another. */
function ask(server: TestServer, { path, key, token, from }: Record<string, string>): Promise<RawAnswer> {
  const calls = new Calls(server.port)
  const headers = [`IM-CLIENT-KEY: ${key}`, `IM-Authorization: ${token}`, `X-Forwarded-For: ${from}`]
  return calls.send(`GET ${path}`, headers).finally(() => calls.close())
}

test('[H21] a slow verify URL of one app keeps no other app, realm or issuer waiting', async () => {
  const [silent, quick] = [await openSilent(), await openQuick()]
  const provider = await Provider.open('https://idp.example/', () => Date.now() / 1_000)
  const server = await openServer({
    time: 'real',
    seed: {
      realms: [
        { name: 'default', chatApps: [app('slow', silent.url), app('quick', quick.url)] },
        { name: 'other', chatApps: [app('theirs', quick.url)] },
      ],
    },
    flags: ['--allow-internal-fetch', ...PROXY],
  })
  const calls = new Calls(server.port)
  try {
    const registered = { issuer: provider.issuer, jwksUrl: provider.jwksUrl }
    await calls.control('POST /issuers', registered)
    const slow = Array.from({ length: 60 }, (_, nth) =>
      ask(server, { path: '/me', key: 'client-key-of-slow', token: `t${nth}`, from: `192.0.2.${nth % 20}` }),
    )
    await until(() => silent.open >= 12)
    const status = async (path: string, key: string, token = 'fresh'): Promise<number> =>
      (await ask(server, { path, key, token, from: '203.0.113.9' })).status
    assert.equal(await status('/me', 'client-key-of-quick'), 200)
    assert.equal(await status('/realms/other/me', 'client-key-of-theirs'), 200)
    const verified = await calls.control('POST /verify', { token: await provider.sign() })
    assert.deepEqual(memberAt(verified, 'verdict'), { kind: 'active' })
    assert.equal(await status('/me', 'client-key-of-slow', 'one more'), 503, 'this one is full')
    assert.equal(silent.open, 12, 'the share of public keys')
    silent.close()
    assert.deepEqual([...new Set((await Promise.all(slow)).map((answer) => answer.status))], [503])
  } finally {
    silent.close()
    calls.close()
    await server.close()
    provider.close()
    quick.close()
  }
})

test('[W97] five spellings of one IPv6 address, and all of its /64, count as one caller for every limit', async () => {
  const server = await openServer({ time: 'hand', flags: PROXY })
  const calls = new Calls(server.port)
  const wrong = (from: string): Promise<RawAnswer> => {
    const headers = ['Content-Type: application/x-www-form-urlencoded', `X-Forwarded-For: ${from}`]
    return calls.send('POST /api/id/v1/auth/token', headers, 'grant_type=x&client_id=svc&client_secret=wrong')
  }
  try {
    const spellings = [
      '2001:db8::1',
      '2001:DB8:0:0::1',
      '2001:0db8::0001',
      '[2001:db8::1]:4711',
      '2001:db8::0.0.0.1',
    ]
    const all = [
      ...spellings,
      ...Array.from({ length: 95 }, (_, nth) => `2001:db8::${(nth + 2).toString(16)}`),
    ]
    for (const from of all) assert.equal((await wrong(from)).status, 401, from)
    for (const from of [...spellings, '2001:db8::ffff:ffff'])
      assert.equal((await wrong(from)).status, 429, from)
    assert.equal((await wrong('2001:db8:0:1::1')).status, 401, 'the next /64')
    for (const from of ['198.51.100.5', '::ffff:c633:6405'])
      assert.equal((await wrong(from)).status, 401, from)
  } finally {
    calls.close()
    await server.close()
  }
})
