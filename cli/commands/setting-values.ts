import { CONFIG_FILE, readConfigFile, resolveSettings, type Values } from '@rescind/server'
import type { Call } from '../frame/call.ts'
import type { Io } from '../frame/io.ts'
import { CLIENT_VARIABLES } from '../frame/variables.ts'

/** The server's settings from this command line, its environment and the configuration file. @throws SettingsRefused. */
export function settingValues(call: Call, { environment }: Io): Values {
  const own = Object.entries(environment).filter(
    ([name]) => !CLIENT_VARIABLES.some((known) => known === name),
  )
  return resolveSettings({
    flags: call.settings,
    environment: Object.fromEntries(own),
    file: readConfigFile(CONFIG_FILE),
  })
}
