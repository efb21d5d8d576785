import { type Setting, settingsIn } from '../config/setting.ts'
import { SERVER_SETTINGS } from '../config/settings.ts'
import { resolveAmong, type Sources, type Values } from '../config/sources.ts'

/** Everything that a server can be told. */
export const SETTINGS: readonly Setting[] = settingsIn(SERVER_SETTINGS)

/** @throws SettingsRefused, as `resolveAmong` says. */
export function resolveSettings(sources: Sources, settings: readonly Setting[] = SETTINGS): Values {
  return resolveAmong(settings, sources)
}
