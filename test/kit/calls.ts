import assert from 'node:assert/strict'
import { type RawAnswer, RawConnection, requestBytes } from './raw-http.ts'
import { CHAT, SVC } from './seed.ts'
import { CONTROL_KEY } from './server.ts'

/** Header lines of most test requests. */
export const JSON_BODY = 'Content-Type: application/json'
export const FORM_BODY = 'Content-Type: application/x-www-form-urlencoded'
export const API_KEY: string = `IM-API-KEY: ${CHAT.apiKey}`
export const CLIENT_KEY: string = `IM-CLIENT-KEY: ${CHAT.clientKey}`
export const CONTROL: string = `Authorization: Bearer ${CONTROL_KEY}`

export const OAUTH = '/api/id/v1/auth/token'

export type ClientSecret = { readonly clientId: string; readonly clientSecret: string }
export type Login = { readonly username: string; readonly password: string }
export type Pair = { readonly access: string; readonly refresh: string }

/** Basic credentials, raw, as most clients send them. */
export function basic({ clientId, clientSecret }: ClientSecret): string {
  return `Authorization: Basic ${Buffer.from(`${clientId}:${clientSecret}`, 'utf8').toString('base64')}`
}

/** Calls of all dialects over one connection, as clients of each send them. */
export class Calls {
  readonly #connection: RawConnection

  constructor(port: number) {
    this.#connection = new RawConnection(port)
  }

  close(): void {
    this.#connection.close()
  }

  send(line: string, headers: readonly string[] = [], body?: string | Buffer): Promise<RawAnswer> {
    const parts = { line: `${line} HTTP/1.1`, headers }
    return this.#connection.exchange(requestBytes(body === undefined ? parts : { ...parts, body }))
  }

  /** Sends `body` as JSON. @param by headers of the caller; by default the control key. */
  json(line: string, body?: unknown, by: string | readonly string[] = CONTROL): Promise<RawAnswer> {
    const headers = [by].flat()
    return body === undefined
      ? this.send(line, headers)
      : this.send(line, [...headers, JSON_BODY], JSON.stringify(body))
  }

  /** The same for the control API: `POST /keys`, without its prefix. */
  control(line: string, body?: unknown, by?: string | readonly string[]): Promise<RawAnswer> {
    return this.json(line.replace(' ', ' /control/v1'), body, by)
  }

  async chatClient(id: string): Promise<void> {
    await this.#done('POST /admin/clients', API_KEY, { _id: id })
  }

  async chatToken(id: string): Promise<string> {
    const body = { _id: id, issueAccessToken: true }
    return textAt(await this.#done('POST /admin/clients', API_KEY, body), 'result', 'token')
  }

  async chatBound(id: string, token: string): Promise<string> {
    await this.#done('POST /admin/clients', API_KEY, { _id: id, token })
    return token
  }

  chatRevoke(id: string, token?: string): Promise<RawAnswer> {
    const line = `DELETE /admin/clients/${encodeURIComponent(id)}/token`
    return this.json(line, { token }, API_KEY)
  }

  chatMe(token: string): Promise<RawAnswer> {
    return this.send('GET /me', [CLIENT_KEY, `IM-Authorization: ${token}`])
  }

  async identityToken({ username, password }: Login): Promise<string> {
    const body = { auth: { passwordCredentials: { username, password } } }
    const answer = await this.#done('POST /v2.0/tokens', [], body)
    return textAt(answer, 'access', 'token', 'id')
  }

  /** `target` as in `DELETE /v2.0/tokens/{target}`; empty for the caller's own token. */
  identity(method: string, caller: string, target: string): Promise<RawAnswer> {
    return this.send(`${method} /v2.0/tokens${target === '' ? '' : `/${target}`}`, [
      `X-Auth-Token: ${caller}`,
    ])
  }

  async oauthToken(client: ClientSecret): Promise<string> {
    const answer = await this.#form(OAUTH, client, 'grant_type=client_credentials')
    return textAt(succeeded(answer, 'client credentials'), 'access_token')
  }

  async oauthGrant(subject: string, { clientId }: ClientSecret = SVC): Promise<Pair> {
    const answer = succeeded(await this.control('POST /grants', { clientId, subject }), 'a grant')
    return { access: textAt(answer, 'access_token'), refresh: textAt(answer, 'refresh_token') }
  }

  oauthRefresh(client: ClientSecret, refresh: string): Promise<RawAnswer> {
    return this.#form(OAUTH, client, `grant_type=refresh_token&refresh_token=${encodeURIComponent(refresh)}`)
  }

  oauthRevoke(client: ClientSecret, token: string): Promise<RawAnswer> {
    return this.#form(`${OAUTH}/revoke`, client, `token=${encodeURIComponent(token)}`)
  }

  introspect(client: ClientSecret, token: string): Promise<RawAnswer> {
    return this.#form(`${OAUTH}/introspect`, client, `token=${encodeURIComponent(token)}`)
  }

  /** Whether introspection tells a client that a token is active. */
  async isActive(client: ClientSecret, token: string): Promise<boolean> {
    const answer = await this.introspect(client, token)
    assert.equal(answer.status, 200, answer.body.toString())
    return memberAt(answer, 'active') === true
  }

  #form(path: string, client: ClientSecret, body: string): Promise<RawAnswer> {
    return this.send(`POST ${path}`, [basic(client), FORM_BODY], body)
  }

  async #done(line: string, by: string | readonly string[], body: unknown): Promise<RawAnswer> {
    return succeeded(await this.json(line, body, by), line)
  }
}

/** For calls that must succeed before a test can begin. */
export function succeeded(answer: RawAnswer, what: string): RawAnswer {
  const { status, body } = answer
  assert.ok(status >= 200 && status < 300, `${what}: ${status} ${body.toString()}`)
  return answer
}

export function jsonOf({ body }: RawAnswer): unknown {
  return JSON.parse(body.toString('utf8')) as unknown
}

export function memberAt(answer: RawAnswer, ...path: readonly string[]): unknown {
  let value = jsonOf(answer)
  for (const name of path) value = (value as Readonly<Record<string, unknown>>)[name]
  return value
}

export function textAt(answer: RawAnswer, ...path: readonly string[]): string {
  const value = memberAt(answer, ...path)
  assert.ok(typeof value === 'string', `no text at ${path.join('.')}: ${answer.body.toString()}`)
  return value
}
