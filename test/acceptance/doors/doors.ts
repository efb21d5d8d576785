import assert from 'node:assert/strict'
import { request } from 'node:http'
import { decide, type GuardOptions, type Verifier } from '@rescind/verifier'
import type { Client, OauthWorld } from '../../kit/world-oauth.ts'

/** The audience of the services behind the doors. */
export const ORDERS = 'https://orders.example'
export const VERIFIER_KEY = 'orders-api-key-0123456789'

/** A place where a credential can be presented. */
export type Door = {
  readonly name: string
  /** `orders`: accepts tokens for ORDERS only; `any`: accepts tokens for anybody. */
  readonly takes: 'orders' | 'any'
  readonly open: (credential: string) => Promise<boolean>
}

export type DoorParts = {
  readonly world: OauthWorld
  readonly verifier: Verifier
  /** Clients that introspect tokens meant for ORDERS, and every token of the realm. */
  readonly audience: Client
  readonly any: Client
}

/** Every way in which this server and its SDK accept a credential. `open` creates `/check/p/orders` and the like. */
export async function openDoors({ world, verifier, audience, any }: DoorParts): Promise<readonly Door[]> {
  for (const [name, profile] of Object.entries({ orders: { audience: [ORDERS] }, cluster: {} }))
    assert.equal((await world.control('PUT', `/check-profiles/${name}`, profile)).status, 201)
  return [
    guard(verifier, { audience: ORDERS }, 'orders'),
    guard(verifier, { audience: 'any' }, 'any'),
    { name: 'verify', takes: 'any', open: async (text) => (await verifier.verify(text)).kind === 'active' },
    // Judges by what the verifier has just learned.
    { name: 'check', takes: 'any', open: async (text) => verifier.check(text).kind === 'active' },
    gateway(world, '/check', 'any'),
    gateway(world, '/check/p/orders', 'orders'),
    review(world, { name: 'TokenReview with audiences', takes: 'orders', audiences: [ORDERS] }),
    review(world, { name: 'TokenReview', takes: 'any' }),
    introspection(world, audience, 'orders'),
    introspection(world, any, 'any'),
    {
      name: 'POST /control/v1/verify',
      takes: 'any',
      open: async (token) => {
        const told = await world.control('POST', '/verify', { token })
        return (told.body['verdict'] as { kind?: unknown } | undefined)?.kind === 'active'
      },
    },
  ]
}

function guard(verifier: Verifier, options: GuardOptions, takes: Door['takes']): Door {
  return {
    name: `a guard (${takes})`,
    takes,
    open: async (text) => (await decide(verifier, `Bearer ${text}`, options)).kind === 'pass',
  }
}

/** Over a socket, because `fetch` refuses texts that are invalid in headers. */
function gateway({ server }: OauthWorld, path: string, takes: Door['takes']): Door {
  const open = (text: string): Promise<boolean> =>
    new Promise((resolve, reject) => {
      // A line break ends a header, so such text cannot be sent here.
      if (/[\r\n]/.test(text)) {
        resolve(false)
        return
      }
      const headers = { authorization: `Bearer ${Buffer.from(text).toString('latin1')}` }
      const asked = request(server.url + path, { headers }, (answer) => {
        answer.resume()
        assert.ok([200, 401, 403].includes(answer.statusCode ?? 0), `${path}: ${answer.statusCode}`)
        resolve(answer.statusCode === 200)
      })
      asked.on('error', reject)
      asked.end()
    })
  return { name: path, takes, open }
}

type Review = Pick<Door, 'name' | 'takes'> & { readonly audiences?: readonly string[] }

function review(world: OauthWorld, { name, takes, audiences }: Review): Door {
  const open = async (token: string): Promise<boolean> => {
    const spec = { token, ...(audiences === undefined ? {} : { audiences }) }
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec }
    const told = await world.control('POST', '/token-review?profile=cluster', body)
    return (told.body['status'] as { authenticated?: unknown } | undefined)?.authenticated === true
  }
  return { name, takes, open }
}

function introspection(world: OauthWorld, by: Client, takes: Door['takes']): Door {
  return {
    name: `introspection (${takes})`,
    takes,
    open: async (token) => (await world.introspect(by, token)).body['active'] === true,
  }
}
