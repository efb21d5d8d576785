import { type Setting, settingsIn } from '../config/setting.ts'
import { SERVER_SETTINGS } from '../config/settings.ts'
import { resolveAmong, type Sources, type Values } from '../config/sources.ts'
import type { DialectModule } from '../dialects/module.ts'
import { MODULES } from './modules.ts'

/** All settings of a server with these dialects. */
export function settingsOf(modules: readonly DialectModule[]): readonly Setting[] {
  return [SERVER_SETTINGS, ...modules.map(({ settings }) => settings)].flatMap(settingsIn)
}

export const SETTINGS: readonly Setting[] = settingsOf(MODULES)

/** @throws SettingsRefused as `resolveAmong` does. */
export function resolveSettings(sources: Sources, settings: readonly Setting[] = SETTINGS): Values {
  return resolveAmong(settings, sources)
}
