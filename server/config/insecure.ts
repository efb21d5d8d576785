import type { Config } from './config.ts'
import { SETTINGS, type SettingName } from './settings.ts'

type Insecure = {
  readonly isOn: (config: Config) => boolean
  /** What an operator gives up by it. */
  readonly why: string
}

/**
 * Which settings can take safety away, and by which value. Every setting is decided here: a new one does not compile
 * without. What is on is told of at the start and stands in `/metrics`.
 */
const DECIDED: Readonly<Record<SettingName, Insecure | undefined>> = {
  listen: {
    isOn: ({ isLoopback, tls }) => !isLoopback && tls === undefined,
    why: 'requests come in clear from the proxy: keep others off that network',
  },
  store: {
    isOn: ({ store }) => store.kind === 'memory',
    why: 'this store forgets everything, revocations too, when the server stops',
  },
  identityRate: {
    isOn: ({ identityRate }) => identityRate === 0,
    why: 'callers of the Identity dialect have no limit',
  },
  controlRate: { isOn: ({ controlRate }) => controlRate === 0, why: 'control keys have no limit' },
  issueRate: {
    isOn: ({ issueRate }) => issueRate === 0,
    why: 'callers may have any number of tokens issued',
  },
  chatRate: { isOn: ({ chatRate }) => chatRate === 0, why: 'API keys of chat apps have no limit' },
  allowInternalFetch: {
    isOn: ({ allowInternalFetch }) => allowInternalFetch,
    why: 'URLs that apps and issuers name may lead into this network, and in clear',
  },
  allowWeakSecrets: {
    isOn: ({ allowWeakSecrets }) => allowWeakSecrets,
    why: 'keys are taken that can be guessed, or that everybody can read in the quick start',
  },
  signingKeyDays: {
    isOn: ({ signingKeyDays }) => signingKeyDays === 0,
    why: 'signing keys are never rotated by themselves',
  },
  sideLog: {
    isOn: ({ sideLog }) => sideLog === 'off',
    why: 'what the store had as its side log proves nothing from now on: delete it, and take a backup',
  },
  metricsOpen: { isOn: ({ metricsOpen }) => metricsOpen, why: '/metrics answers without a key' },
  masterKeyFile: undefined,
  controlKey: undefined,
  publicUrl: undefined,
  behindProxy: undefined,
  seed: undefined,
  tlsCert: undefined,
  tlsKey: undefined,
  identityChainRevocation: undefined,
  auditRetention: undefined,
  authorizationEndpoint: undefined,
  oauthReplaySeconds: undefined,
  oauthCacheTtl: undefined,
  oauthStrictHints: undefined,
  readyStrict: undefined,
  logLevel: undefined,
}

export type InsecureSetting = { readonly setting: SettingName; readonly isOn: boolean; readonly why: string }

/** Every setting that can be insecure, and whether it is. */
export function insecureSettings(config: Config): readonly InsecureSetting[] {
  return SETTINGS.flatMap(({ name }) => {
    const decided = DECIDED[name]
    return decided === undefined ? [] : [{ setting: name, isOn: decided.isOn(config), why: decided.why }]
  })
}
