import assert from 'node:assert/strict'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { protectExpress } from '../express.ts'
import { protectFastify } from '../fastify.ts'
import { protectHono } from '../hono.ts'
import { createTestVerifier, decide, type GuardOptions, protectNode, type TestVerifier } from '../index.ts'

type Told = {
  readonly status: number
  readonly challenge: string | null
  readonly retry: string | null
  readonly body: unknown
}

/** A server that answers with the subject of each request that it lets in. */
type Stand = { readonly name: string; readonly url: string; readonly close: () => void }

const OPTIONS = { audience: 'any', scopes: ['read'], realm: 'orders "eu"' }

async function listening(name: string, server: Server): Promise<Stand> {
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { name, url: `http://127.0.0.1:${port}/`, close: () => server.close() }
}

async function stands({ verifier }: TestVerifier): Promise<readonly Stand[]> {
  const app = express()
  app.get('/', protectExpress(verifier, OPTIONS), (request, response) => {
    response.json({ subject: request.auth?.subject })
  })
  const quick = fastify()
  quick.get('/', { onRequest: protectFastify(verifier, OPTIONS) }, (request, reply) =>
    reply.send({ subject: request.auth?.subject }),
  )
  await quick.listen({ host: '127.0.0.1', port: 0 })
  const hono = new Hono()
  hono.get('/', protectHono(verifier, OPTIONS), (context) =>
    context.json({ subject: context.get('auth').subject }),
  )
  const plain = protectNode(
    verifier,
    (request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ subject: request.auth.subject }))
    },
    OPTIONS,
  )
  const honoServer = serve({ fetch: hono.fetch, port: 0, hostname: '127.0.0.1' }) as Server
  await new Promise<void>((resolve) =>
    honoServer.listening ? resolve() : honoServer.once('listening', resolve),
  )
  return [
    await listening('Express 5', createServer(app)),
    { ...(await listening('Fastify 5', quick.server)), close: () => void quick.close() },
    await listening('Hono', honoServer),
    await listening(
      'node:http',
      createServer((request, response) => void plain(request, response)),
    ),
  ]
}

describe('a guard in each of four frameworks', () => {
  let world: TestVerifier
  let all: readonly Stand[]
  before(async () => {
    world = await createTestVerifier()
    all = await stands(world)
  })
  after(async () => {
    for (const { close } of all) close()
    await world.verifier.close()
  })

  const ask = async ({ url }: Stand, authorization?: string): Promise<Told> => {
    const answer = await fetch(url, authorization === undefined ? {} : { headers: { authorization } })
    const { headers, status } = answer
    const [challenge, retry] = [headers.get('www-authenticate'), headers.get('retry-after')]
    return { status, challenge, retry, body: await answer.json() }
  }

  test('lets in a valid token with enough scope, and reports its subject', async () => {
    world.accept('good', { subject: 'ann', scopes: ['read', 'write'] })
    for (const stand of all) {
      const { status, body } = await ask(stand, 'Bearer good')
      assert.deepEqual([status, body], [200, { subject: 'ann' }], stand.name)
      assert.equal((await ask(stand, 'bearer  good')).status, 200)
    }
  })

  test('RFC 6750 §3.1: a request without credentials is challenged without an error', async () => {
    for (const stand of all) {
      for (const other of [undefined, 'Basic YTpi']) {
        const { status, challenge, body } = await ask(stand, other)
        assert.deepEqual([status, challenge, body], [401, 'Bearer realm="orders \\"eu\\""', {}], stand.name)
      }
    }
  })

  test('RFC 6750 §3.1: malformed is 400, not valid 401, too little scope 403', async () => {
    world.accept('narrow', { scopes: ['write'] })
    world.accept('ended', { scopes: ['read'] })
    world.revoke('ended')
    for (const stand of all) {
      for (const [authorization, status, error] of [
        ['Bearer', 400, 'invalid_request'],
        ['Bearer two words', 400, 'invalid_request'],
        ['Bearer nobody', 401, 'invalid_token'],
        ['Bearer ended', 401, 'invalid_token'],
        ['Bearer narrow', 403, 'insufficient_scope'],
      ] as const) {
        const told = await ask(stand, authorization)
        assert.equal(told.status, status, `${stand.name}: ${authorization}`)
        assert.match(told.challenge ?? '', new RegExp(`^Bearer realm="orders .*, error="${error}"`))
        assert.equal((told.body as { readonly error: string }).error, error)
      }
      assert.match((await ask(stand, 'Bearer narrow')).challenge ?? '', /scope="read"/)
    }
  })

  test('without a verdict it is 503 with Retry-After and no challenge, and 200 again once there is one', async () => {
    world.accept('fine', { scopes: ['read'] })
    for (const stand of all) assert.equal((await ask(stand, 'Bearer fine')).status, 200)
    world.goStale()
    for (const stand of all) {
      const { status, challenge, retry } = await ask(stand, 'Bearer fine')
      assert.deepEqual([status, challenge, retry], [503, null, '1'], stand.name)
    }
    await world.recover()
    for (const stand of all) assert.equal((await ask(stand, 'Bearer fine')).status, 200)
  })

  test('[H1] [H2] refresh tokens, codes and other kinds that are not for access are 401 in each framework', async () => {
    for (const kind of ['refresh', 'code', 'limited', 'foreign-other', 'a-kind-of-a-newer-server', '']) {
      world.accept(`as-${kind}`, { kind, scopes: ['read'] })
      for (const stand of all) {
        const { status } = await ask(stand, `Bearer as-${kind}`)
        // A kind from a newer server is unknown here, and lets no request in.
        assert.ok(status === 401 || status === 503, `${stand.name}: ${kind} ${status}`)
      }
    }
  })

  test('[W10] a token that is bound to a key is refused as a bearer token', async () => {
    world.accept('bound', { scopes: ['read'], cnf: { jkt: 'thumbprint' } })
    for (const stand of all) assert.equal((await ask(stand, 'Bearer bound')).status, 401, stand.name)
  })

  test('[R6] chat text that a customer chose is accepted like other tokens; two words are malformed', async () => {
    const text = 'a-token-of-another-system-$123'
    world.accept(text, { source: 'chat/acme', scopes: ['read'], kind: 'assigned' })
    for (const stand of all) {
      for (const spelled of [`Bearer ${text}`, `bearer   ${text}`, `BEARER ${text} `])
        assert.equal((await ask(stand, spelled)).status, 200, `${stand.name}: ${spelled}`)
      for (const other of ['{}[]"!', 'a,b', '%00'])
        assert.equal((await ask(stand, `Bearer ${other}`)).status, 401)
      assert.equal((await ask(stand, `Bearer ${text} x`)).status, 400, stand.name)
    }
  })

  test('[R6] a request with two Authorization headers is ambiguous: 400', async () => {
    world.accept('first', { scopes: ['read'] })
    for (const stand of all) {
      for (const second of ['Bearer nobody', 'Bearer first', 'Basic YTpi'])
        assert.equal(await statusOfTwo(stand.url, ['Bearer first', second]), 400, `${stand.name}: ${second}`)
      // Hono joins the headers, so an empty second one becomes a comma after the first.
      assert.notEqual(await statusOfTwo(stand.url, ['Bearer first', '']), 200, stand.name)
      assert.equal(await statusOfTwo(stand.url, ['Bearer first']), 200, stand.name)
    }
  })
})

/** `fetch` joins headers of one name; a socket does not. */
function statusOfTwo(url: string, values: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = values.flatMap((value) => ['Authorization', value])
    const asked = request(url, { headers: ['Host', new URL(url).host, ...headers] }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
    asked.on('error', reject)
    asked.end()
  })
}

describe('what a guard demands of a token', () => {
  let world: TestVerifier
  before(async () => {
    world = await createTestVerifier()
  })
  after(() => world.verifier.close())

  const say = async (token: string, options: GuardOptions): Promise<string | number> => {
    const decision = await decide(world.verifier, `Bearer ${token}`, options)
    return decision.kind === 'pass' ? 'pass' : decision.denial.status
  }

  test('[H4] a guard without an audience cannot be made', async () => {
    const forgotten = [
      {},
      { scopes: ['read'] },
      { audience: '' },
      { audience: [] },
      { audience: [''] },
      { audience: 7 },
    ]
    for (const options of forgotten as unknown as readonly GuardOptions[]) {
      for (const make of [protectExpress, protectFastify, protectHono])
        assert.throws(() => make(world.verifier, options), { name: 'TypeError', message: /^audience: / })
      assert.throws(() => protectNode(world.verifier, () => undefined, options), TypeError)
      await assert.rejects(decide(world.verifier, 'Bearer x', options), TypeError)
    }
  })

  test('[H4] [W10] a guard with options of wrong types cannot be made, so it never lets in more', async () => {
    const wrong = [
      { scopes: 'read' },
      { scopes: [['read']] },
      { scopes: null },
      { sources: 'iss:https://idp.example/realms/prod' },
      { sources: [7] },
      { constraint: 'REFUSE' },
      { constraint: 'reject' },
      { constraint: true },
      { constraint: null },
      { onStale: 'Refuse' },
      { onStale: 'never' },
      { onStale: null },
      { withoutAudience: 'false' },
      { realm: 7 },
    ].map((one) => ({ audience: 'any', ...one })) as unknown as readonly GuardOptions[]
    world.accept('bound-too', { cnf: { jkt: 't' }, source: 'iss:https://idp.example/realms/pro' })
    for (const options of wrong) {
      for (const make of [protectExpress, protectFastify, protectHono])
        assert.throws(() => make(world.verifier, options), { name: 'TypeError' }, JSON.stringify(options))
      assert.throws(() => protectNode(world.verifier, () => undefined, options), TypeError)
      await assert.rejects(decide(world.verifier, 'Bearer bound-too', options), TypeError)
    }
  })

  test('[H4] a token for another service is not valid here, whatever its scope', async () => {
    world.accept('billing', { audience: ['https://billing.example'], scopes: ['read'] })
    world.accept('orders', { audience: ['https://orders.example', 'https://x'], scopes: ['read'] })
    world.accept('nobody', { scopes: ['read'] })
    const orders = { audience: 'https://orders.example', scopes: ['read'] }
    assert.deepEqual(
      [await say('billing', orders), await say('orders', orders), await say('nobody', orders)],
      [401, 'pass', 401],
    )
    const also = { ...orders, withoutAudience: true }
    assert.deepEqual([await say('billing', also), await say('nobody', also)], [401, 'pass'])
    const any = { audience: 'any' }
    for (const token of ['billing', 'orders', 'nobody']) assert.equal(await say(token, any), 'pass')
    assert.equal(await say('orders', { audience: ['any'] }), 401, 'in a list it is a name like any other')
    assert.equal(await say('billing', { audience: ['https://a', 'https://billing.example'] }), 'pass')
  })

  test('an admitted token reports its kind, audience, client, scopes and binding', async () => {
    const about = { audience: ['https://a'], client: 'c', subject: 's', scopes: ['read'], cnf: { jkt: 't' } }
    world.accept('told', about)
    const options = { audience: 'https://a', constraint: 'report' } as const
    const decision = await decide(world.verifier, 'Bearer told', options)
    assert.ok(decision.kind === 'pass')
    const { handle: _handle, expiresAtMs: _expires, asOf: _asOf, ...told } = decision.auth
    assert.deepEqual(told, { kind: 'active', tokenKind: 'access', source: 'oauth', ...about })
    assert.equal(await say('told', { audience: 'https://a' }), 401)
  })
})
