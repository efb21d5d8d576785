/** What a user of a framework writes: `auth` is typed where a guard may have set it, and not taken for granted. */
import type { Active, Verifier } from '@rescind/verifier'
import { protectExpress } from '@rescind/verifier/express'
import { protectFastify } from '@rescind/verifier/fastify'
import { protectHono } from '@rescind/verifier/hono'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'

const options = { audience: 'any' }

export function withExpress(verifier: Verifier): void {
  const app = express().use(protectExpress(verifier, options))
  app.get('/', (request, response) =>
    response.json(request.auth?.scopes satisfies readonly string[] | undefined),
  )
  express.Router().get('/', protectExpress(verifier, options), (request, response) => {
    // @ts-expect-error a route may be registered before its guard
    response.json(request.auth.scopes)
  })
}

export function withFastify(verifier: Verifier): void {
  const app = fastify()
  app.addHook('onRequest', protectFastify(verifier, options))
  app.get('/', (request) => request.auth?.scopes satisfies readonly string[] | undefined)
  app.get('/one', { preHandler: protectFastify(verifier, options) }, (request) => {
    // @ts-expect-error a route may be outside of the hook's plugin
    return request.auth.scopes
  })
  fastify({ http2: true }).addHook('onRequest', protectFastify(verifier, options))
}

export function withHono(verifier: Verifier): void {
  const app = new Hono()
  app.get('/', protectHono(verifier, options), (c) =>
    c.json(c.get('auth').scopes satisfies readonly string[]),
  )
  // @ts-expect-error no guard stands before this handler
  app.get('/open', (c) => c.json(c.get('auth').scopes))
  new Hono<{ Variables: { tenant: string } }>()
    .use(protectHono(verifier, options))
    .get('/', (c) => c.json([c.var.tenant satisfies string, c.var.auth satisfies Active]))
  const typed = new Hono<{ Variables: { auth: Active } }>()
  typed.use(protectHono(verifier, options))
  typed.get('/', (c) => c.json(c.get('auth').expiresAtMs satisfies number))
}
