import { type Collection, shaped } from '@rescind/authority'
import { CHAT_SOURCES, type Source } from '@rescind/core'
import { isInRanges, parseAddressRange } from '../wire/address-range.ts'
import { foldedName } from '../wire/folded-name.ts'
import type { JsonObject } from '../wire/strict-json.ts'

/** Longest client id in characters (UTF-16 units). */
const CLIENT_ID_MAX_CHARS = 256

/** A chat application, which administers its clients. Its name is the id of its record. */
export type ChatApp = {
  readonly name: string
  readonly apiKeyDigest: string
  /** During a rotation: the previous API key, valid until it is retired. */
  readonly olderApiKeyDigest?: string
  /** The client key is public. It names the app and grants nothing without a user's token. */
  readonly clientKeyDigest: string
  readonly tokenLifetimeSeconds: number
  /** Neither key is accepted. */
  readonly disabled?: true
  /** The client key alone may sign tokens, so anybody can: for trials only. */
  readonly sandbox?: true
  /** Answers include the members of the vendor's newer API beside the envelope. */
  readonly newerMembers?: true
  /** Address ranges that the API key may be used from; absent: anywhere. */
  readonly apiKeySources?: readonly string[]
  /** Calls per minute of the API key; absent: the server's setting; 0: no limit. */
  readonly requestsPerMinute?: number
  /** Clients that one listing may read; absent: the server's bound. */
  readonly listingMax?: number
  /** URL to ask about tokens that are unknown here. */
  readonly verifyUrl?: string
  /** Allowed clock skew of the issuer of those tokens; absent: a minute. */
  readonly verifySkewSeconds?: number
  /** Longest life of text assigned by the app's server; absent: ten years. */
  readonly maxLifetimeSeconds?: number
  /** Revoked texts remembered for good. When reached, no new text can be bound. */
  readonly tombstonesMax?: number
}

export const CHAT_APPS: Collection<ChatApp> = {
  name: 'chatApps',
  keys: (app) => [
    ...liveApiKeysOf(app).map((value) => ({ name: 'apiKey', value })),
    { name: 'clientKey', value: app.clientKeyDigest },
  ],
  isValue: shaped(
    { name: 'text', apiKeyDigest: 'text', clientKeyDigest: 'text', tokenLifetimeSeconds: 'number' },
    {
      ...{
        disabled: 'flag',
        sandbox: 'flag',
        newerMembers: 'flag',
        apiKeySources: 'texts',
        verifyUrl: 'text',
        olderApiKeyDigest: 'text',
      },
      ...{ requestsPerMinute: 'number', listingMax: 'number', verifySkewSeconds: 'number' },
      ...{ maxLifetimeSeconds: 'number', tombstonesMax: 'number' },
    },
  ),
}

/** Digests of the valid API keys: one, or two during a rotation. */
export function liveApiKeysOf({ apiKeyDigest, olderApiKeyDigest }: ChatApp): readonly string[] {
  return olderApiKeyDigest === undefined ? [apiKeyDigest] : [apiKeyDigest, olderApiKeyDigest]
}

/** Whether an app's API key may be used from an address. */
export function isAllowedFrom({ apiKeySources }: ChatApp, from: string): boolean {
  if (apiKeySources === undefined) return true
  return isInRanges(
    from,
    apiKeySources.flatMap((range) => parseAddressRange(range) ?? []),
  )
}

/** A client of an app. `members` holds the custom data of the app's server; we do not interpret it. */
export type ChatClient = {
  readonly app: string
  readonly id: string
  readonly nickname?: string
  readonly avatarUrl?: string
  readonly members: JsonObject
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

export const CHAT_CLIENTS: Collection<ChatClient> = {
  name: 'chatClients',
  keys: () => [],
  lists: ({ nickname }) =>
    nickname === undefined ? [] : [{ name: 'nickname', value: foldedName(nickname) }],
  isValue: shaped(
    { app: 'text', id: 'text', members: 'members', createdAtMs: 'number', updatedAtMs: 'number' },
    { nickname: 'text', avatarUrl: 'text' },
  ),
}

/** The id of a client's record. An app's name contains no slash, so the first slash ends it. */
export function clientRecordId(app: string, client: string): string {
  return `${app}/${client}`
}

export function sourceOf(app: string): Source {
  return CHAT_SOURCES + app
}

/** Whether text can be a client's id. It is stored exactly: no trimming, case folding or normalisation. */
export function isClientId(text: string): boolean {
  return text.length >= 1 && text.length <= CLIENT_ID_MAX_CHARS && text.isWellFormed() && !text.includes('\0')
}
