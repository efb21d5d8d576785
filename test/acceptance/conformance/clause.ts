import assert from 'node:assert/strict'
import {
  type Asked,
  type Client,
  EXCHANGE,
  type Grant,
  OauthWorld,
  type OwnKey,
  ownKey,
} from '../../kit/world-oauth.ts'

export type Level = 'MUST' | 'MUST NOT' | 'SHOULD' | 'SHOULD NOT' | 'MAY'

/** One requirement of a standard, in our words, and how it is tested. */
export type Clause = {
  /** `RFC 7009 §2.1` and a number within it. */
  readonly id: string
  readonly level: Level
  readonly demand: string
} & (
  | { readonly check: (cast: Cast) => Promise<void> }
  /** Another test file tests it. */
  | { readonly elsewhere: string }
)

export type Cast = {
  readonly world: OauthWorld
  readonly svc: Client
  readonly other: Client
  /** May introspect every token of the realm. */
  readonly gateway: Client
  /** A resource server, which sees tokens meant for it. */
  readonly api: Client
  readonly open: Client
  readonly signed: Client
  readonly keyed: Client
  readonly key: OwnKey
}

export const API = 'https://api.example'
export const FILES = 'https://files.example'
const ALL = ['client_credentials', 'refresh_token', 'authorization_code', EXCHANGE]

export async function openCast(): Promise<Cast> {
  const world = await OauthWorld.open()
  const key = ownKey()
  const full = { grantTypes: ALL, audiences: [API, FILES], redirectUris: ['https://app.example/cb'] }
  return {
    world,
    key,
    svc: await world.client('svc', full),
    other: await world.client('other', full),
    gateway: await world.client('gateway', { ...full, introspect: 'any' }),
    api: await world.client('api', { introspect: 'audience', resources: [API], grantTypes: ALL }),
    open: await world.client('open', { grantTypes: ['authorization_code', 'refresh_token'], public: true }),
    signed: await world.client('signed', { ...full, accessTokenFormat: 'jwt' }),
    keyed: await world.client('keyed', { ...full, jwks: key.jwks }),
  }
}

export function clauses(
  rfc: string,
  list: readonly (readonly [string, Level, string, Clause | Check])[],
): readonly Clause[] {
  return list.map(([at, level, demand, how]) => {
    const id = `${rfc} §${at}`
    return typeof how === 'function' ? { id, level, demand, check: how } : { ...how, id, level, demand }
  })
}

export type Check = (cast: Cast) => Promise<void>

export function elsewhere(path: string): Clause {
  return { id: '', level: 'MUST', demand: '', elsewhere: path }
}

/** An error answer as in RFC 6749 §5.2. */
export function assertError(answer: Asked, status: number, error: string): void {
  assert.equal(answer.status, status, answer.text)
  assert.equal(answer.body['error'], error, answer.text)
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/)
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  for (const member of ['error', 'error_description'])
    assert.match(String(answer.body[member]), /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
}

export async function granted({ world }: Cast, client: Client): Promise<Grant> {
  return world.grant(client.clientId)
}

export async function assertInactive({ world }: Cast, by: Client, token: string): Promise<void> {
  const answer = await world.introspect(by, token)
  assert.equal(answer.status, 200)
  assert.equal(answer.text, '{"active":false}')
}
