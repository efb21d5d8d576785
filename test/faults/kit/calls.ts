import assert from 'node:assert/strict'
import { ANN, CHAT, GATEWAY, SVC } from '../../kit/seed.ts'
import { CONTROL_KEY } from '../../kit/server.ts'
import { type HttpAnswer, type HttpAsk, PlainHttp } from './plain-http.ts'

type OauthCredentials = { readonly clientId: string; readonly clientSecret: string }

/** Whose secrets the calls use. */
export type Credentials = {
  readonly apiKey: string
  readonly clientKey: string
  readonly svc: OauthCredentials
  /** The client that may ask about every token of the realm. */
  readonly gateway: OauthCredentials
  readonly ann: { readonly username: string; readonly apiKey: string }
  readonly controlKey: string
}

const READY_WITHIN_MS = 10_000
const OAUTH = '/api/id/v1/auth/token'
const OF_THE_SEED: Credentials = { ...CHAT, svc: SVC, gateway: GATEWAY, ann: ANN, controlKey: CONTROL_KEY }

/** The calls that these tests make most. Answers are returned as they are. */
export class Calls {
  readonly #http: PlainHttp
  readonly #as: Credentials

  /** @param as defaults to the people of the tests' seed. */
  constructor(url: string, as: Credentials = OF_THE_SEED) {
    this.#http = new PlainHttp(url)
    this.#as = as
  }

  ask(ask: HttpAsk): Promise<HttpAnswer> {
    return this.#http.ask(ask)
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    return this.#http.ask({ method: 'GET', path, headers })
  }

  /** Waits until the disk is tried again, at most a second after the last time. */
  async untilReady(): Promise<void> {
    const deadline = AbortSignal.timeout(READY_WITHIN_MS)
    while ((await this.get('/readyz')).status !== 200) deadline.throwIfAborted()
  }

  oauthIssue(): Promise<HttpAnswer> {
    return this.#form(OAUTH, { ...form(this.#as.svc), grant_type: 'client_credentials' })
  }

  /** An access token and a refresh token of one new grant. */
  oauthGrant(subject: string): Promise<HttpAnswer> {
    const headers = { authorization: `Bearer ${this.#as.controlKey}` }
    return this.json({
      method: 'POST',
      path: '/control/v1/grants',
      headers,
      value: { clientId: this.#as.svc.clientId, subject },
    })
  }

  oauthRefresh(refreshToken: string): Promise<HttpAnswer> {
    const values = { ...form(this.#as.svc), grant_type: 'refresh_token', refresh_token: refreshToken }
    return this.#form(OAUTH, values)
  }

  oauthRevoke(token: string): Promise<HttpAnswer> {
    return this.#form(`${OAUTH}/revoke`, { ...form(this.#as.svc), token })
  }

  introspect(token: string, by: OauthCredentials = this.#as.svc): Promise<HttpAnswer> {
    return this.#form(`${OAUTH}/introspect`, { ...form(by), token })
  }

  introspectAsGateway(token: string): Promise<HttpAnswer> {
    return this.introspect(token, this.#as.gateway)
  }

  /** Logs in by API key, because a password costs some 30 ms of a core. */
  identityLogin(): Promise<HttpAnswer> {
    const apiKeyCredentials = { username: this.#as.ann.username, apiKey: this.#as.ann.apiKey }
    const value = { auth: { 'RAX-KSKEY:apiKeyCredentials': apiKeyCredentials } }
    return this.json({ method: 'POST', path: '/v2.0/tokens', headers: {}, value })
  }

  identityRevoke(caller: string, token: string): Promise<HttpAnswer> {
    return this.#identity('DELETE', caller, token)
  }

  identityValidate(caller: string, token: string, method: 'GET' | 'HEAD' = 'GET'): Promise<HttpAnswer> {
    return this.#identity(method, caller, token)
  }

  chatIssue(client: string): Promise<HttpAnswer> {
    const value = { _id: client, issueAccessToken: true }
    return this.json({ method: 'POST', path: '/admin/clients', headers: this.#app, value })
  }

  chatBind(client: string, token: string, expirationDate?: string): Promise<HttpAnswer> {
    const value = { token, ...(expirationDate === undefined ? {} : { expirationDate }) }
    return this.json({ method: 'PUT', path: tokenPath(client), headers: this.#app, value })
  }

  chatRevoke(client: string, token: string): Promise<HttpAnswer> {
    return this.json({ method: 'DELETE', path: tokenPath(client), headers: this.#app, value: { token } })
  }

  chatRevokeAll(client: string): Promise<HttpAnswer> {
    return this.#http.ask({ method: 'DELETE', path: tokenPath(client), headers: this.#app })
  }

  chatMe(token: string): Promise<HttpAnswer> {
    return this.get('/me', { 'im-client-key': this.#as.clientKey, 'im-authorization': token })
  }

  json({ value, headers, ...ask }: JsonAsk): Promise<HttpAnswer> {
    const all = { ...headers, 'content-type': 'application/json' }
    return this.#http.ask({ ...ask, headers: all, body: JSON.stringify(value) })
  }

  close(): void {
    this.#http.close()
  }

  get #app(): Readonly<Record<string, string>> {
    return { 'im-api-key': this.#as.apiKey }
  }

  #identity(method: string, caller: string, token: string): Promise<HttpAnswer> {
    const path = `/v2.0/tokens/${encodeURIComponent(token)}`
    return this.#http.ask({ method, path, headers: { 'x-auth-token': caller } })
  }

  #form(path: string, values: Readonly<Record<string, string>>): Promise<HttpAnswer> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return this.#http.ask({ method: 'POST', path, headers, body: new URLSearchParams(values).toString() })
  }
}

export type JsonAsk = {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly value: unknown
}

function form({ clientId, clientSecret }: OauthCredentials): Readonly<Record<string, string>> {
  return { client_id: clientId, client_secret: clientSecret }
}

function tokenPath(client: string): string {
  return `/admin/clients/${encodeURIComponent(client)}/token`
}

/** The text at a path of members in a JSON answer. */
export function textAt(answer: HttpAnswer, ...path: readonly string[]): string {
  let value: unknown = JSON.parse(answer.text)
  for (const name of path) {
    assert.ok(typeof value === 'object' && value !== null, answer.text)
    value = new Map<string, unknown>(Object.entries(value)).get(name)
  }
  assert.ok(typeof value === 'string', answer.text)
  return value
}

export const accessTokenIn = (answer: HttpAnswer): string => textAt(answer, 'access_token')
export const refreshTokenIn = (answer: HttpAnswer): string => textAt(answer, 'refresh_token')
export const identityTokenIn = (answer: HttpAnswer): string => textAt(answer, 'access', 'token', 'id')
export const chatTokenIn = (answer: HttpAnswer): string => textAt(answer, 'result', 'token')

/** Whether an introspection says `active: true`; anything but its two answers fails. */
export function isActive(answer: HttpAnswer): boolean {
  assert.equal(answer.status, 200, answer.text)
  const value: unknown = JSON.parse(answer.text)
  assert.ok(typeof value === 'object' && value !== null && 'active' in value)
  assert.ok(typeof value.active === 'boolean')
  return value.active
}

/** Asserts an outage: 503 with a retry time. */
export function assertOutage(answer: HttpAnswer): void {
  assert.equal(answer.status, 503, answer.text)
  assert.match(answer.headers['retry-after'] ?? '', /^\d+$/)
}
