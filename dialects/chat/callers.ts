import { callerFacts, type Realm } from '@rescind/authority'
import { sameDigest } from '@rescind/core/bytes'
import type { WireRequest } from '../wire/request.ts'
import type { Admin, AdminAct, AppFound, ClientCaller, Handler } from './call.ts'
import { CHAT_APPS, type ChatApp, isAllowedFrom, liveApiKeysOf, sourceOf } from './directory.ts'
import { type Refused, refused, tooMany } from './envelope.ts'
import { API_KEY, CLIENT_KEY, readHeader } from './headers.ts'
import type { ChatTools } from './tools.ts'

/** Reads nothing but the key headers before the key has been checked. */
export function asAdmin(tools: ChatTools, act: AdminAct): Handler {
  return asRevoker(tools, async (realm, ask) => {
    const seconds = tools.rates.takeAdmin(realm, ask.admin.app)
    return seconds === 0 ? act(realm, ask) : tooMany(seconds)
  })
}

/** As `asAdmin`, but without a rate limit: calls that end tokens are never limited. */
export function asRevoker(tools: ChatTools, act: AdminAct): Handler {
  return async (realm, request, client) => {
    const who = await authenticate({ tools, realm, request })
    return who.kind === 'refused' ? who.answer : act(realm, { admin: who, request, client })
  }
}

/** As `asAdmin`, but a sandbox app also accepts its client key alone. */
export function asSigner(tools: ChatTools, act: AdminAct): Handler {
  const { rates } = tools
  return async (realm, request) => {
    const who = await authenticate({ tools, realm, request }, 'or-sandbox')
    if (who.kind === 'refused') return who.answer
    const { app } = who
    const seconds = who.isPublic ? rates.takePublic(realm, app, request.from) : rates.takeAdmin(realm, app)
    return seconds === 0 ? act(realm, { admin: who, request, client: '' }) : tooMany(seconds)
  }
}

type Asked = { readonly tools: ChatTools; readonly realm: Realm; readonly request: WireRequest }

async function authenticate(
  asked: Asked,
  way: 'api-key' | 'or-sandbox' = 'api-key',
): Promise<Admin | Refused> {
  const { realm, request } = asked
  const judgedAt = realm.position()
  const apiKey = readHeader(request, API_KEY)
  const clientKey = readHeader(request, CLIENT_KEY)
  if (apiKey.kind === 'refused') return apiKey
  if (clientKey.kind === 'refused') return clientKey
  if (apiKey.text !== undefined) {
    const keyDigest = realm.secretDigest(apiKey.text)
    const who = await appOfApiKey(asked, keyDigest)
    if (who.kind === 'refused') return who
    return adminOf(realm, request, { app: who.app, judgedAt, isPublic: false, keyDigest })
  }
  if (clientKey.text === undefined) return refused('MISSING_API_KEY')
  if (way === 'api-key') return refused('PERMISSION_DENIED')
  const who = await appOfClientKey(realm, clientKey.text)
  if (who.kind === 'refused') return who
  if (who.app.sandbox !== true) return refused('PERMISSION_DENIED')
  return adminOf(realm, request, { app: who.app, judgedAt, isPublic: true })
}

type Known = Pick<Admin, 'app' | 'judgedAt' | 'isPublic' | 'keyDigest'>

function adminOf(realm: Realm, { from }: WireRequest, known: Known): Admin {
  const source = sourceOf(known.app.name)
  const dependency = { realm: realm.ordinal, facts: callerFacts({ source }, known.judgedAt) }
  const id = `chat:${known.app.name}${known.isPublic ? ':sandbox' : ''}`
  return { kind: 'admin', ...known, source, caller: { id, from, dependency } }
}

/**
 * The app of an API key, if the key may be used from this address. An address that has sent too many wrong keys is
 * refused. Client keys are public, so guesses at them are not counted.
 */
async function appOfApiKey({ tools, realm, request }: Asked, digest: string): Promise<AppFound | Refused> {
  const { from } = request
  const entry = await realm.directory.find(CHAT_APPS, { name: 'apiKey', value: digest })
  const app = entry === undefined ? undefined : withKey(entry.value, liveApiKeysOf(entry.value), digest)
  const [nowMs, within] = [realm.nowMs(), realm.name]
  const seconds = tools.wrongKeys.waitSeconds(from, nowMs, within)
  if (seconds > 0)
    return { kind: 'refused', answer: tooMany(seconds, 'Too many wrong API keys came from this address.') }
  if (app === undefined) {
    tools.wrongKeys.wrong(digest, from, { nowMs, within })
    return refused('INVALID_API_KEY')
  }
  if (!isAllowedFrom(app, from))
    return refused('PERMISSION_DENIED', 'The API key cannot be used from this address.')
  return { kind: 'app', app }
}

/** The app that the caller of a client route speaks for, by its client key or its API key. */
export async function appOfClientCall(asked: Asked): Promise<ClientCaller | Refused> {
  const { realm, request } = asked
  const apiKey = readHeader(request, API_KEY)
  const clientKey = readHeader(request, CLIENT_KEY)
  if (apiKey.kind === 'refused') return apiKey
  if (clientKey.kind === 'refused') return clientKey
  if (apiKey.text === undefined) {
    const who = await appOfClientKey(realm, clientKey.text)
    return who.kind === 'refused' ? who : { ...who, byApiKey: false }
  }
  const who = await appOfApiKey(asked, realm.secretDigest(apiKey.text))
  if (who.kind === 'refused') return who
  const found = { ...who, byApiKey: true }
  if (clientKey.text === undefined) return found
  const named = await appOfClientKey(realm, clientKey.text)
  if (named.kind === 'refused') return named
  return named.app.name === who.app.name ? found : refused('CLIENT_KEY_MISMATCH')
}

async function appOfClientKey(realm: Realm, key: string | undefined): Promise<AppFound | Refused> {
  if (key === undefined) return refused('MISSING_CLIENT_KEY')
  const digest = realm.secretDigest(key)
  const entry = await realm.directory.find(CHAT_APPS, { name: 'clientKey', value: digest })
  const app = entry === undefined ? undefined : withKey(entry.value, [entry.value.clientKeyDigest], digest)
  return app === undefined ? refused('INVALID_CLIENT_KEY') : { kind: 'app', app }
}

/** A look-up by digest alone proves nothing, so the key is also compared in constant time. */
function withKey(app: ChatApp, live: readonly string[], digest: string): ChatApp | undefined {
  const isLive = live.some((one) => sameDigest(one, digest))
  return isLive && app.disabled !== true ? app : undefined
}
