import type { CommandEntry, FlagSpec, PositionalSpec } from '../frame/entry.ts'
import { flagsOf } from '../frame/shared-flags.ts'

/** A command with all of its flags, as scripts and pages are written from it. */
export type Described = {
  readonly entry: CommandEntry
  readonly flags: readonly FlagSpec[]
  readonly positionals: readonly PositionalSpec[]
}

/** @param settings the server's settings, which some commands take as flags. */
export function described(
  commands: readonly CommandEntry[],
  settings: readonly FlagSpec[],
): readonly Described[] {
  return commands.map((entry) => {
    const own = flagsOf(entry)
    const more = settings.filter(({ name }) => !own.some((flag) => flag.name === name))
    const flags = entry.takesSettings === true ? [...own, ...more] : own
    return { entry, flags, positionals: entry.positionals ?? [] }
  })
}
