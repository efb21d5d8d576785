import {
  type Awaitable,
  after,
  type Caller,
  callerFacts,
  type Position,
  type Realm,
  type Source,
  sameDigest,
} from '@rescind/core'
import type { Answer, Stale } from '../wire/answer.ts'
import type { WireRequest } from '../wire/request.ts'
import { CHAT_APPS, type ChatApp, sourceOf } from './directory.ts'
import { fail, type Refused, refused } from './envelope.ts'
import { API_KEY, CLIENT_KEY, readHeader } from './headers.ts'

/** What answers one method of one route; `client` is the id in the path, decoded, or empty without one. */
export type Handler = (realm: Realm, request: WireRequest, client: string) => Awaitable<Answer | Stale>

/** The holder of an app's API key. `basis`: where the realm stood before anything was read for it. */
export type Admin = {
  readonly kind: 'admin'
  readonly app: ChatApp
  readonly source: Source
  readonly caller: Caller
  readonly basis: Position
}

export type AdminAsk = { readonly admin: Admin; readonly request: WireRequest; readonly client: string }

/** Nothing of a request but its key headers is looked at before the key is known to be right. */
export function asAdmin(act: (realm: Realm, ask: AdminAsk) => Awaitable<Answer | Stale>): Handler {
  return (realm, request, client) =>
    after(authenticate(realm, request), (who) =>
      who.kind === 'refused' ? who.answer : act(realm, { admin: who, request, client }),
    )
}

function authenticate(realm: Realm, request: WireRequest): Awaitable<Admin | Refused> {
  const basis = realm.basis()
  const apiKey = readHeader(request, API_KEY)
  const clientKey = readHeader(request, CLIENT_KEY)
  if (apiKey.kind === 'refused') return apiKey
  if (clientKey.kind === 'refused') return clientKey
  if (apiKey.text === undefined)
    return refused(clientKey.text === undefined ? 'MISSING_API_KEY' : 'PERMISSION_DENIED')
  return after(appByKey(realm, 'apiKey', apiKey.text), (app): Admin | Refused => {
    if (app === undefined) return refused('INVALID_API_KEY')
    const source = sourceOf(app.name)
    const standing = { realm: realm.ordinal, facts: callerFacts({ source }, basis) }
    const caller = { id: `chat:${app.name}`, from: request.from, standing }
    return { kind: 'admin', app, source, caller, basis }
  })
}

/** The app that the caller of a client route speaks for: by its client key, or by its API key. */
export function appOfClientCall(
  realm: Realm,
  request: WireRequest,
): Awaitable<{ readonly kind: 'app'; readonly app: ChatApp } | Refused> {
  const apiKey = readHeader(request, API_KEY)
  const clientKey = readHeader(request, CLIENT_KEY)
  if (apiKey.kind === 'refused') return apiKey
  if (clientKey.kind === 'refused') return clientKey
  if (apiKey.text === undefined) return appOfClientKey(realm, clientKey.text)
  return after(appByKey(realm, 'apiKey', apiKey.text), (app) => {
    if (app === undefined) return refused('INVALID_API_KEY')
    if (clientKey.text === undefined) return { kind: 'app', app }
    return after(appOfClientKey(realm, clientKey.text), (named) => {
      if (named.kind === 'refused' || named.app.name === app.name) return named
      return refused('CLIENT_KEY_MISMATCH')
    })
  })
}

function appOfClientKey(
  realm: Realm,
  key: string | undefined,
): Awaitable<{ readonly kind: 'app'; readonly app: ChatApp } | Refused> {
  if (key === undefined) return { kind: 'refused', answer: fail('MISSING_CLIENT_KEY') }
  return after(appByKey(realm, 'clientKey', key), (app) =>
    app === undefined ? refused('INVALID_CLIENT_KEY') : { kind: 'app', app },
  )
}

/** Found by the keyed digest of the key, then compared in constant time: a look-up alone proves nothing. */
function appByKey(realm: Realm, name: 'apiKey' | 'clientKey', key: string): Awaitable<ChatApp | undefined> {
  const digest = realm.secretDigest(key)
  return after(realm.directory.find(CHAT_APPS, { name, value: digest }), (entry) => {
    if (entry === undefined) return undefined
    const stored = name === 'apiKey' ? entry.value.apiKeyDigest : entry.value.clientKeyDigest
    return sameDigest(stored, digest) ? entry.value : undefined
  })
}
