import type { Realm } from '@rescind/authority'
import { ASSIGNED_LIFETIME_MAX_MS, LIFETIME_MAX_MS, SettingsRefused } from '@rescind/core'
import { parseAddressRange } from '../wire/address-range.ts'
import { CHAT_BOUNDS } from './bounds.ts'
import type { ChatApp } from './directory.ts'

/** Seconds that a token lives when its app says nothing: 7 days, as in the seed's records. */
const TOKEN_LIFETIME_SECONDS = 604_800
const LIFETIME_MAX_SECONDS = LIFETIME_MAX_MS / 1_000
const ASSIGNED_LIFETIME_MAX_SECONDS = ASSIGNED_LIFETIME_MAX_MS / 1_000
/** No slash, so that `chat/{app}` and `{app}/{client}` read back in one way only. */
const APP_NAME = /^[A-Za-z0-9._-]{1,64}$/
const SOURCES_MAX = 64
const REQUESTS_PER_MINUTE_MAX = 100_000_000
const TOMBSTONES_MAX = 100_000_000
/** Past a minute a clock is broken, not skewed. */
export const VERIFY_SKEW_MAX_SECONDS = 60
const URL_MAX_CHARS = 2_048

export type ChatAppSettings = {
  readonly name: string
  readonly apiKey: string
  readonly clientKey: string
  readonly tokenLifetimeSeconds?: number | undefined
  readonly enabled?: boolean | undefined
  readonly sandbox?: boolean | undefined
  readonly newerMembers?: boolean | undefined
  readonly apiKeySources?: readonly string[] | undefined
  readonly requestsPerMinute?: number | undefined
  readonly listingMax?: number | undefined
  readonly verifyUrl?: string | undefined
  readonly verifySkewSeconds?: number | undefined
  readonly maxLifetimeSeconds?: number | undefined
  readonly tombstonesMax?: number | undefined
}

/** An app as it is stored: its keys as digests only. @throws SettingsRefused for what no app can have. */
export function chatAppValue(realm: Realm, settings: ChatAppSettings): ChatApp {
  const { name, apiKey, clientKey } = settings
  if (!APP_NAME.test(name)) throw new SettingsRefused('a chat app is named by 1 to 64 of A-Z a-z 0-9 . _ -')
  if (apiKey === '' || clientKey === '') throw new SettingsRefused(`chat app ${name}: a key is empty`)
  // The client key is public; as the API key it would let everybody revoke.
  if (apiKey === clientKey) throw new SettingsRefused(`chat app ${name}: its two keys are the same`)
  return {
    name,
    apiKeyDigest: realm.secretDigest(apiKey),
    clientKeyDigest: realm.secretDigest(clientKey),
    ...chatAppTraits(settings),
  }
}

export type ChatAppTraits = Omit<ChatApp, 'name' | 'apiKeyDigest' | 'olderApiKeyDigest' | 'clientKeyDigest'>

/** All of an app but its name and keys. @throws SettingsRefused for what no app can have. */
export function chatAppTraits(settings: Omit<ChatAppSettings, 'apiKey' | 'clientKey'>): ChatAppTraits {
  const { name, tokenLifetimeSeconds, apiKeySources, verifyUrl } = settings
  checkSources(name, apiKeySources)
  checkUrl(name, verifyUrl)
  const lifetime = whole(settings, 'tokenLifetimeSeconds', [1, LIFETIME_MAX_SECONDS])
  const optional = {
    requestsPerMinute: whole(settings, 'requestsPerMinute', [0, REQUESTS_PER_MINUTE_MAX]),
    listingMax: whole(settings, 'listingMax', [1, CHAT_BOUNDS.clientsScannedMax]),
    maxLifetimeSeconds: whole(settings, 'maxLifetimeSeconds', [1, ASSIGNED_LIFETIME_MAX_SECONDS]),
    tombstonesMax: whole(settings, 'tombstonesMax', [0, TOMBSTONES_MAX]),
    verifySkewSeconds: whole(settings, 'verifySkewSeconds', [0, VERIFY_SKEW_MAX_SECONDS]),
    apiKeySources,
    verifyUrl,
  }
  const given = Object.entries(optional).filter(([, value]) => value !== undefined)
  return {
    tokenLifetimeSeconds: lifetime ?? tokenLifetimeSeconds ?? TOKEN_LIFETIME_SECONDS,
    ...(settings.enabled === false ? { disabled: true } : {}),
    ...(settings.sandbox === true ? { sandbox: true } : {}),
    ...(settings.newerMembers === true ? { newerMembers: true } : {}),
    ...Object.fromEntries(given),
  }
}

type WholeMember =
  | 'tokenLifetimeSeconds'
  | 'requestsPerMinute'
  | 'listingMax'
  | 'maxLifetimeSeconds'
  | 'tombstonesMax'
  | 'verifySkewSeconds'
type Named = Pick<ChatAppSettings, 'name' | WholeMember>

function whole(settings: Named, member: WholeMember, [min, max]: [number, number]): number | undefined {
  const value = settings[member]
  if (value !== undefined && !(Number.isInteger(value) && value >= min && value <= max))
    throw new SettingsRefused(
      `chat app ${settings.name}: ${member} is not a whole number from ${min} to ${max}`,
    )
  return value
}

function checkSources(name: string, sources: readonly string[] | undefined): void {
  const broken = sources?.find((range) => parseAddressRange(range) === undefined)
  // An empty list would lock everybody out, which is what `enabled: false` says aloud.
  if (broken !== undefined || sources?.length === 0 || (sources?.length ?? 0) > SOURCES_MAX)
    throw new SettingsRefused(`chat app ${name}: apiKeySources are 1 to ${SOURCES_MAX} address ranges (CIDR)`)
}

/** Whether the address behind it may be asked is seen when it is; the form of the URL is seen here. */
function checkUrl(name: string, text: string | undefined): void {
  if (text === undefined) return
  const url = URL.canParse(text) && text.length <= URL_MAX_CHARS ? new URL(text) : undefined
  const isPlain = url !== undefined && url.username === '' && url.password === '' && url.hash === ''
  if (!isPlain || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new SettingsRefused(`chat app ${name}: verifyUrl is no https URL`)
}

/** An app as it was described, so that some of that can be said anew. */
export function chatAppSettings(app: ChatApp): Omit<ChatAppSettings, 'apiKey' | 'clientKey'> {
  const { apiKeyDigest: _api, olderApiKeyDigest: _older, clientKeyDigest: _client, disabled, ...rest } = app
  return { ...rest, enabled: disabled !== true }
}
