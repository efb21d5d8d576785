import { Call } from './call.ts'
import type { Commands } from './command.ts'
import { type CommandEntry, type FlagSpec, GROUPS } from './entry.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { WrongUse } from './failure.ts'
import { helpOf, overview } from './help.ts'
import { Io, type IoParts } from './io.ts'
import { nearest } from './nearest.ts'
import { findCommand, readCall, usageOf } from './parse.ts'
import { COMMON_FLAGS } from './shared-flags.ts'
import { tellFailure } from './tell-failure.ts'
import { quoted } from './token-text.ts'

/** What a command line runs in. */
export type Surroundings = IoParts & { readonly commands: Commands }

/** Runs one command line to its end. @returns its exit code; a failure has been told on standard error. */
export async function runWords(words: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  try {
    return await dispatched(words, surroundings)
  } catch (error) {
    return tellFailure(error, { words, surroundings })
  }
}

async function dispatched(words: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const found = findCommand(words, surroundings.commands)
  if (found === undefined) return withoutCommand(words, surroundings)
  const { spec, rest } = found
  const settings = spec.takesSettings === true ? await settingFlags() : []
  const call = readCall(spec, rest, settings)
  const io = new Io(surroundings, call)
  if (call.isOn('help')) {
    io.result(spec, () => helpOf(spec, settings))
    return EXIT.done
  }
  const { run } = await spec.load()
  return (await run(call, io)) ?? EXIT.done
}

/** Loads the server. */
async function settingFlags(): Promise<readonly FlagSpec[]> {
  const { settingsAsFlags } = await import('./setting-flags.ts')
  return settingsAsFlags()
}

/** No words, a word of help or version, a part of a command, or a misspelt one. */
function withoutCommand(words: readonly string[], surroundings: Surroundings): Promise<ExitCode> | ExitCode {
  const [first = 'help', ...rest] = words.filter((word) => word !== '--json' && word !== '--no-color')
  if (first === '--version' || first === '-V')
    return dispatched(['version', ...words.filter((word) => word !== first)], surroundings)
  if (first === 'help' && rest.length > 0) return dispatched([...rest, '--help'], surroundings)
  const { commands } = surroundings
  const begun = commands.filter(({ name }) => name.startsWith(`${first} `))
  const isHelp =
    ['help', '--help', '-h'].includes(first) ||
    (begun.length > 0 && (rest[0] === '--help' || rest[0] === '-h'))
  if (isHelp) {
    const io = new Io(surroundings, bareCall(words))
    const listed = begun.length > 0 ? begun : commands
    io.result(listed, () => overview(listed))
    return EXIT.done
  }
  throw begun.length > 0
    ? partOf(begun, rest[0])
    : unknownCommand(
        first,
        commands.map(({ name }) => name),
      )
}

function partOf(begun: readonly CommandEntry[], second: string | undefined): WrongUse {
  const uses = begun.map(({ name, positionals = [] }) => usageOf(name, positionals).replace(' [FLAGS]', ''))
  const heard = second === undefined ? '' : `unknown command ${quoted(second)}: `
  return new WrongUse(`${heard}the command is: ${uses.join(' or ')}`)
}

function unknownCommand(first: string, names: readonly string[]): WrongUse {
  const meant = nearest(first, [...new Set(names.flatMap((name) => [name, name.split(' ')[0] ?? '']))])
  const hint = meant === undefined ? '' : `; did you mean "rescind ${meant}"?`
  return new WrongUse(`unknown command ${quoted(first)}${hint} (see: rescind --help)`)
}

/** The call of a line without a command: common flags alone. */
function bareCall(words: readonly string[]): Call {
  const values = new Map(COMMON_FLAGS.map(({ name }) => [name, words.includes(`--${name}`) ? ['true'] : []]))
  return new Call({ name: GROUPS[0], positionals: [], settings: [], values })
}
