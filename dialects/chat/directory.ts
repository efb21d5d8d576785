import { CHAT_SOURCES, type Collection, shaped } from '@rescind/authority'
import type { Source } from '@rescind/core'
import { isInRanges, parseAddressRange } from '../wire/address-range.ts'
import type { JsonObject } from '../wire/strict-json.ts'

/** Characters (UTF-16 units) of the longest client id. */
const CLIENT_ID_MAX_CHARS = 256

/** A chat application: who may administer its clients. Its record's id is its name. */
export type ChatApp = {
  readonly name: string
  readonly apiKeyDigest: string
  /** While the API key is being rotated: the one from before, which is taken, too, until it is retired. */
  readonly olderApiKeyDigest?: string
  /** The client key is public: it names the app, and grants nothing without a user's token. */
  readonly clientKeyDigest: string
  readonly tokenLifetimeSeconds: number
  /** Neither key is taken any more. */
  readonly disabled?: true
  /** The client key alone signs tokens, for anybody who has it: for trials only. */
  readonly sandbox?: true
  /** Answers carry the members of the vendor's newer pages beside the envelope. */
  readonly newerMembers?: true
  /** Address ranges that the API key may be used from; from anywhere when absent. */
  readonly apiKeySources?: readonly string[]
  /** Calls a minute that the API key may make; the server's own setting when absent, no limit at 0. */
  readonly requestsPerMinute?: number
  /** Clients that one listing may look at; the server's own bound when absent. */
  readonly listingMax?: number
  /** Who is asked about tokens that are unknown here. */
  readonly verifyUrl?: string
  /** How far the clock of whoever issues those tokens may be from ours; a minute when absent. */
  readonly verifySkewSeconds?: number
  /** The longest that text which the app's server assigns may live; ten years when absent. */
  readonly maxLifetimeSeconds?: number
  /** Revoked texts that are remembered for good; at so many nothing is bound any more. */
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

/** Digests of the API keys that are taken: one, or two while it is being rotated. */
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

export const CHAT_CLIENTS: Collection<ChatClient> = {
  name: 'chatClients',
  keys: () => [],
  isValue: shaped(
    { app: 'text', id: 'text', members: 'members', createdAtMs: 'number', updatedAtMs: 'number' },
    { nickname: 'text', avatarUrl: 'text' },
  ),
}

/** Under which id a client's record stands. An app's name holds no slash, so the first one ends it. */
export function clientRecordId(app: string, client: string): string {
  return `${app}/${client}`
}

export function sourceOf(app: string): Source {
  return CHAT_SOURCES + app
}

/** Whether text can be a client's id. It is kept exactly: no trimming, no case, no normalisation. */
export function isClientId(text: string): boolean {
  return text.length >= 1 && text.length <= CLIENT_ID_MAX_CHARS && text.isWellFormed() && !text.includes('\0')
}
