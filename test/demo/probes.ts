import { CHAT, GATEWAY, SVC } from '../kit/seed.ts'
import { type Ask, basic, type Client, memberOf, type Reply, send } from './http.ts'

/** One place where a token is checked, and what it must say while the token lives and when it is revoked. */
export type Probe = {
  readonly name: string
  readonly ask: (url: string) => Promise<string>
  readonly live: string
  readonly dead: string
}

/** The chat dialect's own: whom does this token stand for? */
export function me(token: string): Probe {
  const headers = { 'im-client-key': CHAT.clientKey, 'im-authorization': token }
  return byStatus('GET /me', { method: 'GET', path: '/me', headers }, ['200', '401'])
}

/** The Identity dialect's own: an operator asks about the token. */
export function validate(method: 'GET' | 'HEAD', token: string, operator: string): Probe {
  const ask = { method, path: `/v2.0/tokens/${token}`, headers: { 'x-auth-token': operator } }
  return byStatus(`${method} tokens/{id}`, ask, ['200', '404'])
}

/** The same, where the token itself is what its bearer asks with. */
export function asCaller(token: string): Probe {
  const ask = { method: 'GET', path: `/v2.0/tokens/${token}`, headers: { 'x-auth-token': token } }
  return byStatus('X-Auth-Token', ask, ['200', '401'])
}

/** Introspection by a client that may see every token of the realm, whichever dialect it is of. */
export function gateway(token: string): Probe {
  return introspection('introspect, any', GATEWAY, token)
}

/** The same of a refresh token: nobody but its own client learns that it lives. */
export function stranger(token: string): Probe {
  return { ...gateway(token), live: 'inactive' }
}

/** Introspection by the client that holds the token. */
export function owner(token: string): Probe {
  return introspection('introspect, own', SVC, token)
}

function introspection(name: string, client: Client, token: string): Probe {
  const ask = {
    method: 'POST',
    path: '/api/id/v1/auth/token/introspect',
    headers: basic(client),
    form: { token },
  }
  return { name, ask: async (url) => activity(await send(url, ask)), live: 'active', dead: 'inactive' }
}

/** A refusal of introspection itself is neither: it shows as its status. */
function activity({ status, body }: Reply): string {
  const active = status === 200 ? memberOf(body, 'active') : undefined
  if (active === true) return 'active'
  return active === false ? 'inactive' : String(status)
}

function byStatus(name: string, ask: Ask, [live, dead]: readonly [string, string]): Probe {
  return { name, ask: async (url) => String((await send(url, ask)).status), live, dead }
}
