import { BlockList, isIP } from 'node:net'
import { resolve } from 'node:path'
import { SettingsRefused } from '@rescind/core'
import { parseProxies, type TrustedProxies } from '../machine/net/peer.ts'
import { withoutSlashes } from '../machine/net/trailing.ts'
import { isGuessable, KEY_BITS_MIN } from './guessable.ts'
import type { Values } from './sources.ts'
import { readTls, type TlsPair } from './tls.ts'

export type StoreUrl = { readonly kind: 'memory' } | { readonly kind: 'sqlite'; readonly path: string }

/** The settings of one server, checked. */
export type Config = {
  readonly host: string
  readonly port: number
  /** Whether nobody but this machine can connect. */
  readonly isLoopback: boolean
  readonly store: StoreUrl
  readonly masterKeyFile: string
  readonly controlKey: string | undefined
  /** Without a trailing slash; undefined: the listen address. */
  readonly publicUrl: string | undefined
  readonly proxies: TrustedProxies
  readonly seedFile: string | undefined
  readonly tls: TlsPair | undefined
  /** `off`: the store goes on without the one that it has. */
  readonly sideLog: { readonly path: string } | 'off' | undefined
  readonly identityRate: number
  readonly identityChainRevocation: boolean
  readonly controlRate: number
  readonly issueRate: number
  readonly auditRetentionMs: number
  readonly chatRate: number
  readonly allowInternalFetch: boolean
  readonly allowWeakSecrets: boolean
  readonly authorizationEndpoint: string | undefined
  readonly oauthReplaySeconds: number
  readonly oauthCacheTtl: number
  readonly oauthStrictHints: boolean
  readonly signingKeyDays: number
  readonly metricsOpen: boolean
  readonly readyStrict: boolean
  readonly logLevel: string
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent']
const RATE_MAX = 1_000_000
/** A minute. */
const CHAT_RATE_MAX = 100_000_000
/** A rotated refresh token that is good for longer is as good as one that is not rotated. */
const REPLAY_MAX = 300
const CACHE_TTL_MAX = 3_600
const KEY_DAYS_MAX = 3_650

/** @throws SettingsRefused: one line that says which setting, and why. */
export function checkConfig(values: Values): Config {
  const { host, port } = parseListen(required(values, 'listen'))
  const tls = parseTls(values)
  const behindProxy = values.behindProxy.value
  if (!isLoopback(host) && tls === undefined && behindProxy === undefined) {
    throw new SettingsRefused(
      `listen: ${host} is not loopback; tokens would cross a network in clear: give --tls-cert and --tls-key, or --behind-proxy`,
    )
  }
  const allowWeakSecrets = parseBoolean('allowWeakSecrets', required(values, 'allowWeakSecrets'))
  const config = {
    host,
    port,
    isLoopback: isLoopback(host),
    tls,
    store: parseStore(required(values, 'store')),
    masterKeyFile: required(values, 'masterKeyFile'),
    sideLog: parseSideLog(values.sideLog.value),
    controlKey: parseControlKey(values.controlKey.value, allowWeakSecrets),
    allowWeakSecrets,
    publicUrl: parsePublicUrl(values.publicUrl.value),
    proxies: parseProxies(behindProxy),
    seedFile: values.seed.value,
    identityRate: parseNumber('identityRate', required(values, 'identityRate'), RATE_MAX),
    identityChainRevocation: parseBoolean(
      'identityChainRevocation',
      required(values, 'identityChainRevocation'),
    ),
    controlRate: parseNumber('controlRate', required(values, 'controlRate'), RATE_MAX),
    issueRate: parseNumber('issueRate', required(values, 'issueRate'), RATE_MAX),
    chatRate: parseNumber('chatRate', required(values, 'chatRate'), CHAT_RATE_MAX),
    allowInternalFetch: parseBoolean('allowInternalFetch', required(values, 'allowInternalFetch')),
    auditRetentionMs: parseDays('auditRetention', required(values, 'auditRetention')),
    authorizationEndpoint: parseEndpoint(values.authorizationEndpoint.value),
    oauthReplaySeconds: parseNumber('oauthReplaySeconds', required(values, 'oauthReplaySeconds'), REPLAY_MAX),
    oauthCacheTtl: parseNumber('oauthCacheTtl', required(values, 'oauthCacheTtl'), CACHE_TTL_MAX),
    oauthStrictHints: parseBoolean('oauthStrictHints', required(values, 'oauthStrictHints')),
    signingKeyDays: parseNumber('signingKeyDays', required(values, 'signingKeyDays'), KEY_DAYS_MAX),
    metricsOpen: parseBoolean('metricsOpen', required(values, 'metricsOpen')),
    readyStrict: parseBoolean('readyStrict', required(values, 'readyStrict')),
    logLevel: required(values, 'logLevel'),
  }
  if (!LOG_LEVELS.includes(config.logLevel))
    throw new SettingsRefused(`logLevel: one of ${LOG_LEVELS.join(', ')}`)
  return config
}

function required(values: Values, name: keyof Values): string {
  const { value } = values[name]
  if (value === undefined || value === '') throw new SettingsRefused(`${name}: must not be empty`)
  return value
}

function parseListen(text: string): { host: string; port: number } {
  const split = text.lastIndexOf(':')
  const host = text.slice(0, split).replace(/^\[|\]$/g, '')
  const port = Number(text.slice(split + 1))
  if (split < 1 || !/^\d{1,5}$/.test(text.slice(split + 1)) || port > 65_535) {
    throw new SettingsRefused(`listen: "${text}" is not HOST:PORT`)
  }
  return { host, port }
}

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  const list = new BlockList()
  list.addSubnet('127.0.0.0', 8, 'ipv4')
  list.addAddress('::1', 'ipv6')
  const family = isIP(host)
  return family !== 0 && list.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

function parseStore(text: string): StoreUrl {
  if (text === 'memory:') return { kind: 'memory' }
  const path = text.startsWith('sqlite:') ? text.slice('sqlite:'.length) : ''
  if (path === '') throw new SettingsRefused(`store: "${text}" is neither sqlite:PATH nor memory:`)
  return { kind: 'sqlite', path }
}

function parseSideLog(text: string | undefined): Config['sideLog'] {
  return text === undefined || text === 'off' ? text : { path: resolve(text) }
}

function parseControlKey(text: string | undefined, allowWeak: boolean): string | undefined {
  if (text === undefined) return undefined
  if (!/^[\x21-\x7e]{1,512}$/.test(text)) {
    throw new SettingsRefused('RESCIND_CONTROL_KEY: 1 to 512 printable ASCII characters without spaces')
  }
  if (!allowWeak && isGuessable(text))
    throw new SettingsRefused(
      `RESCIND_CONTROL_KEY: it can be guessed: give one of ${KEY_BITS_MIN} bits (openssl rand -hex 16), or --allow-weak-secrets`,
    )
  return text
}

function parsePublicUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url !== undefined && url.search === '' && url.hash === '' && url.username === ''
  if (
    !isPlain ||
    (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(bare(url.hostname))))
  ) {
    throw new SettingsRefused(
      `publicUrl: "${text}" is not an https URL (http only for loopback), or says too much`,
    )
  }
  return withoutSlashes(text)
}

function parseEndpoint(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(bare(url.hostname)))
  // RFC 6749 §3.1: no fragment.
  if (!isSafe || text.includes('#'))
    throw new SettingsRefused(`authorizationEndpoint: "${text}" is not an https URL without a fragment`)
  return text
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
}

function parseTls(values: Values): Config['tls'] {
  const [cert, key] = [values.tlsCert.value, values.tlsKey.value]
  if (cert === undefined && key === undefined) return undefined
  if (cert === undefined || key === undefined) throw new SettingsRefused('tlsCert and tlsKey go together')
  return readTls({ certFile: cert, keyFile: key })
}

function parseNumber(name: string, text: string, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= max)) throw new SettingsRefused(`${name}: a whole number from 0 to ${max}`)
  return value
}

const DAY_MS = 86_400_000
const DAYS_MAX = 36_500

/** Whole days, `400` or `400d`. */
function parseDays(name: string, text: string): number {
  const days = parseNumber(name, text.replace(/d$/, ''), DAYS_MAX)
  if (days === 0) throw new SettingsRefused(`${name}: at least one day`)
  return days * DAY_MS
}

/** Strict: "FALSE", "0" or "no" might be read as either, so they are read as neither. */
function parseBoolean(name: string, text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  throw new SettingsRefused(`${name}: true or false`)
}
