import type { Realm } from '@rescind/authority'
import { ASSIGNED_LIFETIME_MAX_MS, LIFETIME_MAX_MS, SettingsRefused } from '@rescind/core'
import { parseAddressRange } from '../wire/address-range.ts'
import { CHAT_BOUNDS } from './bounds.ts'
import type { ChatApp } from './directory.ts'

/** Default lifetime of an app's tokens: 7 days, as in the seed's records. */
const TOKEN_LIFETIME_SECONDS = 604_800
const LIFETIME_MAX_SECONDS = LIFETIME_MAX_MS / 1_000
const ASSIGNED_LIFETIME_MAX_SECONDS = ASSIGNED_LIFETIME_MAX_MS / 1_000
/** No slash, so that `chat/{app}` and `{app}/{client}` are unambiguous. */
const APP_NAME = /^[A-Za-z0-9._-]{1,64}$/
const SOURCES_MAX = 64
const REQUESTS_PER_MINUTE_MAX = 100_000_000
const TOMBSTONES_MAX = 100_000_000
/** More than a minute means a broken clock, not skew. */
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

/** An app as it is stored, with its keys as digests only. @throws SettingsRefused for invalid settings. */
export function chatAppValue(realm: Realm, settings: ChatAppSettings): ChatApp {
  const { name, apiKey, clientKey } = settings
  if (!APP_NAME.test(name))
    throw new SettingsRefused('the name of a chat app is 1 to 64 characters of A-Z a-z 0-9 . _ -')
  if (apiKey === '' || clientKey === '') throw new SettingsRefused(`chat app ${name}: a key is empty`)
  // The client key is public. As the API key it would let anybody revoke.
  if (apiKey === clientKey) throw new SettingsRefused(`chat app ${name}: its two keys are the same`)
  return {
    name,
    apiKeyDigest: realm.secretDigest(apiKey),
    clientKeyDigest: realm.secretDigest(clientKey),
    ...chatAppTraits(settings),
  }
}

export type ChatAppTraits = Omit<ChatApp, 'name' | 'apiKeyDigest' | 'olderApiKeyDigest' | 'clientKeyDigest'>

/** All of an app but its name and keys. @throws SettingsRefused for invalid settings. */
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
  // An empty list would lock everybody out; `enabled: false` says that openly.
  if (broken !== undefined || sources?.length === 0 || (sources?.length ?? 0) > SOURCES_MAX)
    throw new SettingsRefused(`chat app ${name}: apiKeySources are 1 to ${SOURCES_MAX} address ranges (CIDR)`)
}

/** Checks the form of the URL. Whether its address may be contacted is checked at each request. */
function checkUrl(name: string, text: string | undefined): void {
  if (text === undefined) return
  const url = URL.canParse(text) && text.length <= URL_MAX_CHARS ? new URL(text) : undefined
  const isPlain = url !== undefined && url.username === '' && url.password === '' && url.hash === ''
  if (!isPlain || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new SettingsRefused(
      `chat app ${name}: verifyUrl must be an http or https URL without credentials and fragment`,
    )
}

/** The settings that describe an app, so that some of them can be changed. */
export function chatAppSettings(app: ChatApp): Omit<ChatAppSettings, 'apiKey' | 'clientKey'> {
  const { apiKeyDigest: _api, olderApiKeyDigest: _older, clientKeyDigest: _client, disabled, ...rest } = app
  return { ...rest, enabled: disabled !== true }
}
