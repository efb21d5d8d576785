import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Calls, memberAt } from '../kit/calls.ts'
import { openServer } from '../kit/in-process.ts'
import { CHAT } from '../kit/seed.ts'

type Stub = { readonly url: string; readonly bodies: string[]; readonly close: () => void }

/** An app's own server, like the vendor's reference one; one of its paths redirects to another. */
async function openStub(): Promise<Stub> {
  const bodies: string[] = []
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      bodies.push(`${request.method} ${request.url} ${body}`)
      if (request.url === '/moved') {
        response.writeHead(307, { location: '/verify' }).end()
        return
      }
      const { token } = JSON.parse(body) as { token: string }
      const isGood = token.startsWith('good')
      response.writeHead(isGood ? 200 : 401, { 'content-type': 'application/json' })
      const seconds = Math.floor(Date.now() / 1_000)
      const who = { id: `owner-of-${token}`, nickname: 'N', exp: seconds + 600, iat: seconds }
      response.end(JSON.stringify(isGood ? who : { message: 'bad token', error: {} }))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, bodies, close: () => void server.close() }
}

const seedWith = (verifyUrl: string): unknown => ({
  realms: [{ name: 'default', chatVerifyUrl: verifyUrl, chatApps: [{ name: CHAT.app, ...keys }] }],
})
/** Shown masked, but asked as it is. */
const WITH_SECRET = '/hooks/T0123456789abc?code=abc'
const keys = { apiKey: CHAT.apiKey, clientKey: CHAT.clientKey }

test("a token of the app's own server is asked about once, kept, and revoked here for good", async () => {
  const stub = await openStub()
  const server = await openServer({
    time: 'real',
    seed: seedWith(`${stub.url}${WITH_SECRET}`),
    flags: ['--allow-internal-fetch'],
  })
  const calls = new Calls(server.port)
  try {
    for (let at = 0; at < 3; at += 1)
      assert.equal(memberAt(await calls.chatMe('good-1'), 'result', '_id'), 'owner-of-good-1')
    assert.equal((await calls.chatMe('bad-1')).status, 401)
    assert.equal((await calls.chatRevoke('owner-of-good-1', 'good-1')).status, 200)
    for (let at = 0; at < 3; at += 1) assert.equal((await calls.chatMe('good-1')).status, 401)
    assert.deepEqual(stub.bodies, [
      `POST ${WITH_SECRET} {"token":"good-1"}`,
      `POST ${WITH_SECRET} {"token":"bad-1"}`,
    ])
  } finally {
    calls.close()
    await server.close()
    stub.close()
  }
})

test('a verify URL inside our network is not asked, and a redirect is not followed: 503, no verdict', async () => {
  const stub = await openStub()
  for (const [path, flags, asked] of [
    ['/verify', [], 0],
    ['/moved', ['--allow-internal-fetch'], 1],
  ] as const) {
    stub.bodies.length = 0
    const server = await openServer({ time: 'real', seed: seedWith(`${stub.url}${path}`), flags })
    const calls = new Calls(server.port)
    try {
      const answer = await calls.chatMe('good-2')
      assert.deepEqual([answer.status, memberAt(answer, 'RC')], [503, 503])
      assert.equal(stub.bodies.length, asked)
    } finally {
      calls.close()
      await server.close()
    }
  }
  stub.close()
})
