import { SETTINGS, type Setting } from '@rescind/server'
import type { FlagSpec } from './entry.ts'

/** The server's settings as flags of a command. Importing this loads the server. */
export function settingsAsFlags(settings: readonly Setting[] = SETTINGS): readonly FlagSpec[] {
  return settings.flatMap(({ flag, environment, fallback, help, isSwitch }): readonly FlagSpec[] => {
    if (flag === undefined) return []
    const name = flag.slice(2)
    const kept = { name, help, environment, ...(fallback === undefined ? {} : { preset: fallback }) }
    return [isSwitch === true ? { ...kept, takesWord: true } : { ...kept, value: 'VALUE' }]
  })
}
