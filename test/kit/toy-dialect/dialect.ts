import { type Caller, callerFacts, issueTokens, mintText, type Realm, revokeToken } from '@rescind/authority'
import type { Position } from '@rescind/core'
import { RawToken } from '@rescind/core/tokens'
import {
  type Answer,
  type Dialect,
  jsonAnswer,
  mediaType,
  parseStrictObject,
  type Refusal,
  type Stale,
  untilFresh,
  type WireRequest,
} from '@rescind/dialects'
import { TOY_USERS } from './users.ts'

export const TOY_SOURCE = 'toy'
export const TOY_PREFIX = 'toy_'

type Handler = (realm: Realm, request: WireRequest) => Promise<Answer | Stale>
type Endpoint = { readonly methods: readonly string[]; readonly answer: Handler }

const STATUSES: Readonly<Record<Refusal['kind'], number>> = {
  malformed: 400,
  'not-found': 404,
  method: 405,
  timeout: 408,
  'too-large': 413,
  'headers-too-large': 431,
  bug: 500,
  outage: 503,
}

/** A wire of three calls: log in with a key, end one of the key's tokens, and ask about a token. */
export function createToyDialect(lifeSeconds: number): Dialect {
  const endpoints: ReadonlyMap<string, Endpoint> = new Map([
    ['/toy/login', { methods: ['POST'], answer: login(lifeSeconds) }],
    ['/toy/revoke', { methods: ['POST'], answer: revoke }],
    ['/toy/me', { methods: ['GET', 'HEAD'], answer: me }],
  ])
  return {
    name: 'toy',
    hotPaths: [],
    handle: async (realm, request) => {
      const endpoint = endpoints.get(request.path)
      if (endpoint === undefined) return refuse({ kind: 'not-found' })
      const { methods, answer } = endpoint
      if (!methods.includes(request.method)) return refuse({ kind: 'method', allow: methods.join(', ') })
      return untilFresh(() => answer(realm, request))
    },
    refuse,
    routeOf: ({ path }) => (endpoints.has(path) ? path : 'toy:other'),
    acknowledges: ({ method }) => method !== 'GET',
  }
}

function refuse(refusal: Refusal): Answer {
  const headers = refusal.kind === 'method' ? { allow: refusal.allow } : undefined
  return said(STATUSES[refusal.kind], refusal.kind, headers)
}

function said(status: number, text: string, headers?: Readonly<Record<string, string>>): Answer {
  return jsonAnswer(status, { toy: { status, text } }, headers)
}

const NO_KEY = said(401, 'no such key')

function login(lifeSeconds: number): Handler {
  return async (realm, request) => {
    const asker = await askerOf(realm, request)
    if (asker === undefined) return NO_KEY
    const { name, caller, judgedAt } = asker
    const nowMs = realm.nowMs()
    const expiresAtMs = realm.lifetimes.within(nowMs + lifeSeconds * 1_000, nowMs)
    const raw = mintText(TOY_PREFIX, realm.random)
    const token = { source: TOY_SOURCE, subject: name, raw, kind: 'access', expiresAtMs } as const
    const issued = await issueTokens(realm, { judgedAt, caller, tokens: [token] })
    if (issued.kind === 'stale') return 'stale'
    return issued.kind === 'issued'
      ? jsonAnswer(200, { toy: { token: raw.reveal(), expiresAtMs } })
      : said(403, issued.kind)
  }
}

async function revoke(realm: Realm, request: WireRequest): Promise<Answer | Stale> {
  const asker = await askerOf(realm, request)
  if (asker === undefined) return NO_KEY
  if (mediaType(request)?.type !== 'application/json') return said(400, 'JSON is needed')
  const { token } = parseStrictObject(request.body) ?? {}
  const raw = typeof token === 'string' ? RawToken.parse(token) : undefined
  if (raw === undefined) return said(400, 'a token is needed')
  const { verdict, record } = await realm.find(raw, TOY_SOURCE)
  if (verdict.kind !== 'active' || record?.subject !== asker.name) return said(404, 'no such token')
  const revoked = await revokeToken(realm, record, { caller: asker.caller, how: 'toy.revoke' })
  return revoked.kind === 'stale' ? 'stale' : jsonAnswer(200, { toy: { revoked: true } })
}

async function me(realm: Realm, request: WireRequest): Promise<Answer> {
  const raw = RawToken.parse(request.header('x-toy-token') ?? '')
  const found = raw === undefined ? undefined : await realm.find(raw, TOY_SOURCE)
  return found?.verdict.kind === 'active'
    ? jsonAnswer(200, { toy: { name: found.record?.subject } })
    : said(401, 'no such token')
}

type Asker = { readonly name: string; readonly caller: Caller; readonly judgedAt: Position }

/** `X-Toy-Key: name:key`. */
async function askerOf(realm: Realm, request: WireRequest): Promise<Asker | undefined> {
  const judgedAt = realm.position()
  const [name = '', key = ''] = (request.header('x-toy-key') ?? '').split(':', 2)
  const entry = await realm.directory.get(TOY_USERS, name)
  if (entry === undefined || entry.value.keyDigest !== realm.secretDigest(key)) return undefined
  const facts = callerFacts({ source: TOY_SOURCE, subject: name }, judgedAt)
  const dependency = { realm: realm.ordinal, facts }
  return { name, judgedAt, caller: { id: `toy:${name}`, from: request.from, dependency } }
}
