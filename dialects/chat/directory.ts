import { type Collection, LIFETIME_MAX_MS, type Realm, SettingsRefused, type Source } from '@rescind/core'
import type { JsonObject } from '../wire/strict-json.ts'

/** Seconds that a token lives when its app says nothing: 7 days, as in the seed's records. */
const TOKEN_LIFETIME_SECONDS = 604_800
/** Characters (UTF-16 units) of the longest client id. */
const CLIENT_ID_MAX_CHARS = 256

const LIFETIME_MAX_SECONDS = LIFETIME_MAX_MS / 1_000
/** No slash, so that `chat/{app}` and `{app}/{client}` read back in one way only. */
const APP_NAME = /^[A-Za-z0-9._-]{1,64}$/

/** A chat application: who may administer its clients. Its record's id is its name. */
export type ChatApp = {
  readonly name: string
  readonly apiKeyDigest: string
  /** The client key is public: it names the app, and grants nothing without a user's token. */
  readonly clientKeyDigest: string
  readonly tokenLifetimeSeconds: number
}

export const CHAT_APPS: Collection<ChatApp> = {
  name: 'chatApps',
  keys: ({ apiKeyDigest, clientKeyDigest }) => [
    { name: 'apiKey', value: apiKeyDigest },
    { name: 'clientKey', value: clientKeyDigest },
  ],
}

export type ChatAppSettings = {
  readonly name: string
  readonly apiKey: string
  readonly clientKey: string
  readonly tokenLifetimeSeconds?: number | undefined
}

/** An app as it is stored: its keys as digests only. @throws SettingsRefused for what no app can have. */
export function chatAppValue(realm: Realm, settings: ChatAppSettings): ChatApp {
  const { name, apiKey, clientKey, tokenLifetimeSeconds = TOKEN_LIFETIME_SECONDS } = settings
  if (!APP_NAME.test(name)) throw new SettingsRefused('a chat app is named by 1 to 64 of A-Z a-z 0-9 . _ -')
  if (apiKey === '' || clientKey === '') throw new SettingsRefused(`chat app ${name}: a key is empty`)
  // The client key is public; as the API key it would let everybody revoke.
  if (apiKey === clientKey) throw new SettingsRefused(`chat app ${name}: its two keys are the same`)
  const livable = Number.isInteger(tokenLifetimeSeconds) && tokenLifetimeSeconds >= 1
  if (!livable || tokenLifetimeSeconds > LIFETIME_MAX_SECONDS)
    throw new SettingsRefused(
      `chat app ${name}: tokenLifetimeSeconds is not a whole number from 1 to ${LIFETIME_MAX_SECONDS}`,
    )
  return {
    name,
    apiKeyDigest: realm.secretDigest(apiKey),
    clientKeyDigest: realm.secretDigest(clientKey),
    tokenLifetimeSeconds,
  }
}

/** A client of an app. `members` is what the app's server wants to find again; it means nothing to us. */
export type ChatClient = {
  readonly app: string
  readonly id: string
  readonly nickname?: string
  readonly avatarUrl?: string
  readonly members: JsonObject
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

export const CHAT_CLIENTS: Collection<ChatClient> = { name: 'chatClients', keys: () => [] }

/** Under which id a client's record stands. An app's name holds no slash, so the first one ends it. */
export function clientRecordId(app: string, client: string): string {
  return `${app}/${client}`
}

export function sourceOf(app: string): Source {
  return `chat/${app}`
}

/** Whether text can be a client's id. It is kept exactly: no trimming, no case, no normalisation. */
export function isClientId(text: string): boolean {
  return text.length >= 1 && text.length <= CLIENT_ID_MAX_CHARS && text.isWellFormed() && !text.includes('\0')
}
