import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import * as jose from 'jose'
import { openServer, PUBLIC_URL, type TestServer } from './in-process.ts'
import { CONTROL_KEY } from './server.ts'

export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const ACCESS_TYPE = 'urn:ietf:params:oauth:token-type:access_token'
export const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt'
export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
export const ISSUER: string = `${PUBLIC_URL}/api/id/v1`
export const REDIRECT = 'https://app.example/cb'

export type Members = Readonly<Record<string, unknown>>
export type Asked = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Members of a JSON answer; empty for any other. */
  readonly body: Members
}
export type Client = { readonly clientId: string; readonly clientSecret: string }
export type Form = readonly (readonly [string, string])[] | Readonly<Record<string, string>>
export type Grant = { readonly access: string; readonly refresh: string }

type Reached = Pick<TestServer, 'url' | 'port' | 'power' | 'close'> & {
  readonly clock: Pick<TestServer['clock'], 'wallMs' | 'advance'>
}

/** A server with all calls of the OAuth dialect, and those of the control API about it. */
export class OauthWorld {
  readonly server: Reached

  private constructor(server: Reached) {
    this.server = server
  }

  static async open(flags: readonly string[] = [], seed: unknown = { realms: [] }): Promise<OauthWorld> {
    return new OauthWorld(
      await openServer({
        time: 'hand',
        seed,
        flags: flags.includes('--public-url') ? flags : ['--public-url', PUBLIC_URL, ...flags],
      }),
    )
  }

  /** With the machine's clock and the server's real address, for clients that check both. */
  static async openReal(seed: unknown = { realms: [] }, flags: readonly string[] = []): Promise<OauthWorld> {
    return new OauthWorld(await openServer({ time: 'real', seed, flags }))
  }

  /** Calls a server that runs elsewhere, with the machine's clock. The caller must stop it. */
  static at(url: string): OauthWorld {
    const clock = { wallMs: () => Date.now(), advance: () => assert.fail('it has a clock of its own') }
    const power = { mode: 'up' as const, writes: 0, flushes: 0 }
    const parts = { url, port: Number(new URL(url).port), clock, power, close: async () => {} }
    return new OauthWorld(parts)
  }

  close(): Promise<void> {
    return this.server.close()
  }

  async send(path: string, init: RequestInit = {}): Promise<Asked> {
    const response = await fetch(this.server.url + path, { redirect: 'manual', ...init })
    const text = await response.text()
    const isJson = (response.headers.get('content-type') ?? '').includes('json')
    const body = isJson ? (JSON.parse(text) as Members) : {}
    return { status: response.status, headers: response.headers, text, body }
  }

  control(method: string, path: string, body?: unknown): Promise<Asked> {
    const headers = { authorization: `Bearer ${CONTROL_KEY}` }
    if (body === undefined) return this.send(`/control/v1${path}`, { method, headers })
    const typed = { ...headers, 'content-type': 'application/json' }
    return this.send(`/control/v1${path}`, { method, headers: typed, body: JSON.stringify(body) })
  }

  /** A client with any settings. */
  async client(clientId: string, settings: Members = {}): Promise<Client> {
    const asked = { clientId, grantTypes: ['client_credentials', 'refresh_token'], scopes: ['read', 'write'] }
    const made = await this.control('POST', '/clients', { ...asked, ...settings })
    assert.equal(made.status, 201, made.text)
    return {
      clientId,
      clientSecret: typeof made.body['clientSecret'] === 'string' ? made.body['clientSecret'] : '',
    }
  }

  async grant(clientId: string, more: Members = {}): Promise<Grant> {
    const made = await this.control('POST', '/grants', { clientId, subject: 'ann', ...more })
    assert.equal(made.status, 201, made.text)
    return { access: String(made.body['access_token']), refresh: String(made.body['refresh_token']) }
  }

  /** Posts a form to an endpoint, with the credentials in the header. */
  form(
    path: string,
    client: Client | undefined,
    form: Form,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Asked> {
    const by = client === undefined ? {} : { authorization: basic(client) }
    const body = new URLSearchParams(form as Record<string, string>)
    return this.send(`/api/id/v1/auth/token${path}`, { method: 'POST', headers: { ...by, ...headers }, body })
  }

  token(client: Client | undefined, form: Form): Promise<Asked> {
    return this.form('', client, form)
  }

  async access(client: Client, form: Readonly<Record<string, string>> = {}): Promise<string> {
    const issued = await this.token(client, { grant_type: 'client_credentials', ...form })
    assert.equal(issued.status, 200, issued.text)
    return String(issued.body['access_token'])
  }

  refresh(client: Client, refresh: string, more: Readonly<Record<string, string>> = {}): Promise<Asked> {
    return this.token(client, { grant_type: 'refresh_token', refresh_token: refresh, ...more })
  }

  revoke(client: Client, token: string, more: Readonly<Record<string, string>> = {}): Promise<Asked> {
    return this.form('/revoke', client, { token, ...more })
  }

  introspect(client: Client, token: string, headers: Readonly<Record<string, string>> = {}): Promise<Asked> {
    return this.form('/introspect', client, { token }, headers)
  }

  async isActive(client: Client, token: string): Promise<boolean> {
    const asked = await this.introspect(client, token)
    assert.equal(asked.status, 200, asked.text)
    return asked.body['active'] === true
  }

  exchange(client: Client, token: string, more: Readonly<Record<string, string>> = {}): Promise<Asked> {
    return this.token(client, {
      grant_type: EXCHANGE,
      subject_token: token,
      subject_token_type: ACCESS_TYPE,
      ...more,
    })
  }

  async code(clientId: string, more: Members = {}): Promise<string> {
    const made = await this.control('POST', '/grants', {
      clientId,
      subject: 'ann',
      redirectUri: REDIRECT,
      codeChallenge: challengeOf(VERIFIER),
      codeChallengeMethod: 'S256',
      ...more,
    })
    assert.equal(made.status, 201, made.text)
    return String(made.body['code'])
  }

  redeem(
    client: Client | undefined,
    code: string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Asked> {
    return this.token(client, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT,
      code_verifier: VERIFIER,
      ...more,
    })
  }

  async keySet(): Promise<jose.JSONWebKeySet> {
    const { body } = await this.send('/api/id/v1/jwks')
    return { keys: body['keys'] as jose.JWK[] }
  }
}

export const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'

export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}

export function basic({ clientId, clientSecret }: Client): string {
  return `Basic ${Buffer.from(`${clientId}:${clientSecret}`, 'utf8').toString('base64')}`
}

export function claimsOf(jwt: string): jose.JWTPayload {
  return jose.decodeJwt(jwt)
}

/** A client's key pair. */
export type OwnKey = { readonly privateKey: KeyObject; readonly jwks: Members }

export function ownKey(kid = 'own-1'): OwnKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    privateKey,
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' }] },
  }
}

let jtis = 0

/** Parameters that authenticate a client by its key; `claims` replaces valid ones. */
export async function assertion(
  world: OauthWorld,
  clientId: string,
  {
    key,
    claims = {},
    header = {},
  }: { readonly key: OwnKey; readonly claims?: Members; readonly header?: Members },
): Promise<Readonly<Record<string, string>>> {
  const now = Math.floor(world.server.clock.wallMs() / 1_000)
  jtis += 1
  const right = { iss: clientId, sub: clientId, aud: ISSUER, iat: now, exp: now + 60, jti: `jti-${jtis}` }
  const given = Object.entries({ ...right, ...claims }).filter(([, value]) => value !== undefined)
  const client_assertion = await new jose.SignJWT(Object.fromEntries(given))
    .setProtectedHeader({ alg: 'ES256', kid: 'own-1', ...header })
    .sign(key.privateKey)
  return { client_assertion_type: ASSERTION_TYPE, client_assertion }
}
