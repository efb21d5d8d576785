import { ANN, CHAT, ROOT, SVC } from '../kit/seed.ts'
import { CONTROL_KEY } from '../kit/server.ts'
import { type Ask, basic, type Reply, send, textOf } from './http.ts'
import { asCaller, gateway, me, owner, type Probe, stranger, validate } from './probes.ts'

/** One token of the demo: where it is checked, and the call of its own dialect that ends it. */
export type Case = {
  readonly token: readonly string[]
  readonly probes: readonly Probe[]
  readonly end: End
  /** Only after the revocation: what must be refused then, and must not be tried before. */
  readonly onlyAfter?: readonly Probe[]
}

export type End =
  | { readonly kind: 'call'; readonly name: string; readonly ask: Ask; readonly status: number }
  /** Ended by the call of the case before it, by none of its own. */
  | { readonly kind: 'with-previous' }
  /** Must live on through everything. */
  | { readonly kind: 'never' }

const API_KEY = { 'im-api-key': CHAT.apiKey }
const TOKEN_PATH = '/api/id/v1/auth/token'
const REVOKE_PATH = '/api/id/v1/auth/token/revoke'
const BOUND_TEXT = 'a-token-of-another-system-$123'

/** Makes one token of every kind that the three dialects issue. */
export async function issueAll(url: string): Promise<readonly Case[]> {
  return [...(await chat(url)), ...(await identity(url)), ...(await oauth(url))]
}

async function chat(url: string): Promise<readonly Case[]> {
  const client = { _id: 'ann', nickname: 'Ann', issueAccessToken: true }
  const minted = textOf(
    await send(url, { method: 'POST', path: '/admin/clients', headers: API_KEY, json: client }),
    'result',
    'token',
  )
  const other = { _id: 'bob', token: BOUND_TEXT }
  await send(url, { method: 'POST', path: '/admin/clients', headers: API_KEY, json: other })
  return [
    {
      token: ['chat: issued,', 'revoked by its text'],
      probes: [me(minted), gateway(minted)],
      end: {
        kind: 'call',
        name: 'DELETE /admin/clients/ann/token/',
        ask: {
          method: 'DELETE',
          path: '/admin/clients/ann/token/',
          headers: API_KEY,
          json: { token: minted },
        },
        status: 200,
      },
    },
    {
      token: ['chat: bound,', 'revoked with all'],
      probes: [me(BOUND_TEXT), gateway(BOUND_TEXT)],
      end: {
        kind: 'call',
        name: 'DELETE /admin/clients/bob/token/',
        ask: { method: 'DELETE', path: '/admin/clients/bob/token/', headers: API_KEY },
        status: 200,
      },
      onlyAfter: [bindingAgain()],
    },
  ]
}

/** What was revoked once can never be handed out again. */
function bindingAgain(): Probe {
  const path = '/admin/clients/bob/token'
  const ask: Ask = { method: 'PUT', path, headers: API_KEY, json: { token: BOUND_TEXT } }
  return { name: 'bind again', ask: async (url) => statusOf(await send(url, ask)), live: '200', dead: '409' }
}

type Person = { readonly username: string; readonly password: string }

async function login(url: string, { username, password }: Person): Promise<string> {
  const json = { auth: { passwordCredentials: { username, password } } }
  return textOf(await send(url, { method: 'POST', path: '/v2.0/tokens', json }), 'access', 'token', 'id')
}

async function identity(url: string): Promise<readonly Case[]> {
  const operator = await login(url, ROOT)
  const own = await login(url, ANN)
  const named = await login(url, ANN)
  const probesOf = (token: string): readonly Probe[] => [
    validate('GET', token, operator),
    validate('HEAD', token, operator),
    asCaller(token),
    gateway(token),
  ]
  return [
    {
      token: ['identity:', 'revoked by its owner'],
      probes: probesOf(own),
      end: {
        kind: 'call',
        name: 'DELETE /v2.0/tokens',
        ask: { method: 'DELETE', path: '/v2.0/tokens', headers: { 'x-auth-token': own } },
        status: 204,
      },
    },
    {
      token: ['identity:', 'revoked by an admin'],
      probes: probesOf(named),
      end: {
        kind: 'call',
        name: 'DELETE /v2.0/tokens/{id}',
        ask: { method: 'DELETE', path: `/v2.0/tokens/${named}`, headers: { 'x-auth-token': operator } },
        status: 204,
      },
    },
  ]
}

async function oauth(url: string): Promise<readonly Case[]> {
  const access = await clientCredentials(url)
  const untouched = await clientCredentials(url)
  const grant = await send(url, {
    method: 'POST',
    path: '/control/v1/grants',
    headers: { authorization: `Bearer ${CONTROL_KEY}` },
    json: { clientId: SVC.clientId, subject: 'ann', scope: 'read' },
  })
  const refresh = textOf(grant, 'refresh_token')
  const ofGrant = textOf(grant, 'access_token')
  return [
    { token: ['oauth: access'], probes: probesOf(access), end: revocation(access) },
    {
      token: ['oauth: refresh'],
      probes: [owner(refresh), stranger(refresh)],
      end: revocation(refresh),
      onlyAfter: [refreshing(refresh)],
    },
    { token: ['oauth: access', 'of that grant'], probes: probesOf(ofGrant), end: { kind: 'with-previous' } },
    {
      token: ['oauth: access,', 'not revoked: lives on'],
      probes: probesOf(untouched),
      end: { kind: 'never' },
    },
  ]
}

function probesOf(token: string): readonly Probe[] {
  return [owner(token), gateway(token)]
}

async function clientCredentials(url: string): Promise<string> {
  const form = { grant_type: 'client_credentials', scope: 'read' }
  return textOf(
    await send(url, { method: 'POST', path: TOKEN_PATH, headers: basic(SVC), form }),
    'access_token',
  )
}

function revocation(token: string): End {
  const ask = { method: 'POST', path: REVOKE_PATH, headers: basic(SVC), form: { token } }
  return { kind: 'call', name: `POST ${REVOKE_PATH}`, ask, status: 200 }
}

/** Using a refresh token uses it up, so this is asked only when it must be refused anyway. */
function refreshing(token: string): Probe {
  const form = { grant_type: 'refresh_token', refresh_token: token }
  const ask = { method: 'POST', path: TOKEN_PATH, headers: basic(SVC), form }
  return { name: 'refresh', ask: async (url) => statusOf(await send(url, ask)), live: '200', dead: '400' }
}

function statusOf({ status }: Reply): string {
  return String(status)
}
