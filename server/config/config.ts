import { SettingsRefused } from '@rescind/core'
import { hasStandbys } from '@rescind/stores'
import { isGuessable, KEY_BITS_MIN } from './guessable.ts'
import type { SettingValues } from './setting.ts'
import type { SERVER_SETTINGS } from './settings.ts'
import type { Resolved, Values } from './sources.ts'
import { readTls, type TlsPair } from './tls.ts'

type ServerValues = SettingValues<typeof SERVER_SETTINGS>

/** The settings of one server, checked. */
export type Config = ServerValues & {
  readonly tls: TlsPair | undefined
  /** Every setting that can reduce safety, and whether it does. */
  readonly insecure: readonly InsecureSetting[]
}

export type InsecureSetting = { readonly setting: string; readonly isOn: boolean; readonly why: string }

/** @throws SettingsRefused: one line that names the setting and the reason. */
export function checkConfig(values: Values): Config {
  const parsed = new Map([...values].map(([name, resolved]) => [name, parse(resolved)]))
  // Each value was made by its setting's own parser, so they fit the table's types.
  const config = Object.fromEntries(parsed) as ServerValues
  const tls = checkTogether(config)
  const insecure = [...values.values()].flatMap(({ setting }) => {
    if (setting.insecure === undefined) return []
    const { when, why } = setting.insecure
    // The value that the setting's own parser made.
    const isOn = when(parsed.get(setting.name) as never, tls !== undefined)
    return [{ setting: setting.name, isOn, why }]
  })
  return { ...config, tls, insecure }
}

function parse({ setting, value }: Resolved): unknown {
  const { name, fallback, isSecret, environment } = setting
  if (fallback === undefined && value === undefined) return undefined
  if (value === undefined || (fallback !== undefined && value === ''))
    throw new SettingsRefused(`${name}: must not be empty`)
  return setting.parse(value, isSecret === true ? environment : name)
}

/** Rules about more than one setting. */
function checkTogether(config: ServerValues): TlsPair | undefined {
  const { listen, tlsCert, tlsKey, behindProxy, controlKey, allowWeakSecrets, requireSync, store } = config
  const tls = tlsOf(tlsCert, tlsKey)
  if (!listen.isLoopback && tls === undefined && behindProxy === undefined) {
    throw new SettingsRefused(
      `listen: ${listen.host} is not loopback; tokens would cross a network in clear: give --tls-cert and --tls-key, or --behind-proxy`,
    )
  }
  if (controlKey !== undefined && !allowWeakSecrets && isGuessable(controlKey)) {
    throw new SettingsRefused(
      `RESCIND_CONTROL_KEY: can be guessed; give one of ${KEY_BITS_MIN} bits (openssl rand -hex 16), or --allow-weak-secrets`,
    )
  }
  if (requireSync && config.acknowledge === 'durable')
    throw new SettingsRefused(
      'requireSync: needs --acknowledge everywhere, else a repeated revocation would not wait for the standby',
    )
  if (requireSync && !hasStandbys(store))
    throw new SettingsRefused('requireSync: only a store on PostgreSQL has standbys')
  return tls
}

function tlsOf(certFile: string | undefined, keyFile: string | undefined): TlsPair | undefined {
  if (certFile === undefined && keyFile === undefined) return undefined
  if (certFile === undefined || keyFile === undefined)
    throw new SettingsRefused('tlsCert, tlsKey: give both or neither')
  return readTls({ certFile, keyFile })
}
