import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import {
  type Active,
  createTestVerifier,
  protectExpress,
  protectFastify,
  protectHono,
  protectNode,
  type TestVerifier,
  type WithAuth,
} from '../index.ts'

type Told = {
  readonly status: number
  readonly challenge: string | null
  readonly retry: string | null
  readonly body: unknown
}

/** A server that answers with the subject of whom it lets in. */
type Stand = { readonly name: string; readonly url: string; readonly close: () => void }

const OPTIONS = { audience: 'any', scopes: ['read'], realm: 'orders "eu"' }

async function listening(name: string, server: Server): Promise<Stand> {
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { name, url: `http://127.0.0.1:${port}/`, close: () => server.close() }
}

async function stands({ verifier }: TestVerifier): Promise<readonly Stand[]> {
  const app = express()
  app.get(
    '/',
    protectExpress(verifier, OPTIONS),
    (request: express.Request & { auth?: Active }, response) => {
      response.json({ subject: request.auth?.subject })
    },
  )
  const quick = fastify()
  quick.get('/', { onRequest: protectFastify(verifier, OPTIONS) }, (request, reply) =>
    reply.send({ subject: (request as typeof request & WithAuth).auth?.subject }),
  )
  await quick.listen({ host: '127.0.0.1', port: 0 })
  const hono = new Hono<{ Variables: { auth: Active } }>()
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

  test('lets in who has a good token of enough scope, and says who that is', async () => {
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

  test('when nobody can say, it is 503 with Retry-After and no challenge, and 200 again when somebody can', async () => {
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
})
