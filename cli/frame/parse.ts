import { parseArgs } from 'node:util'
import { Call } from './call.ts'
import type { CommandSpec, Commands } from './command.ts'
import type { CommandEntry, FlagSpec, PositionalSpec } from './entry.ts'
import { WrongUse } from './failure.ts'
import { nearest } from './nearest.ts'
import { flagsOf } from './shared-flags.ts'
import { quoted } from './token-text.ts'

/** Flags under which a secret would stand in the list of processes and in the shell's history, and what to use instead. */
const NEVER_FLAGS: Readonly<Record<string, string>> = {
  key: 'a key on the command line is seen in the list of processes and in histories: use RESCIND_KEY_FILE, RESCIND_KEY or `rescind login`',
  'control-key': 'that key belongs to the server, and only its environment may hold it (RESCIND_CONTROL_KEY)',
  password:
    'a password on the command line is seen in the list of processes and in histories: use a file or standard input',
  secret:
    'a secret on the command line is seen in the list of processes and in histories: use a file or standard input',
}

export type Found = { readonly spec: CommandSpec; readonly rest: readonly string[] }

/** The command that a line begins with: the one of the most words. Common flags may stand before it. */
export function findCommand(words: readonly string[], commands: Commands): Found | undefined {
  const lead = words.findIndex(
    (word) => !/^-(?:[vq]|ojson|-(?:json|quiet|verbose|no-color|output=json))$/.test(word),
  )
  const [before, [first = '', ...others]] =
    lead === -1 ? [words, []] : [words.slice(0, lead), words.slice(lead)]
  // A name of two words in quotes: rescind "hold revoke".
  const isName = commands.some(({ name }) => name === first)
  const after = [...(isName ? first.split(' ') : [first]), ...others]
  const found = commands
    .filter(({ name }) => name.split(' ').every((word, at) => after[at] === word))
    .sort((a, b) => b.name.length - a.name.length)[0]
  if (found === undefined) return undefined
  return { spec: found, rest: [...before, ...after.slice(found.name.split(' ').length)] }
}

type Tokens = NonNullable<ReturnType<typeof parseArgs>['tokens']>
type OptionToken = Extract<Tokens[number], { kind: 'option' }>

/**
 * Reads the words behind the command's name.
 * @param settings the server's settings as flags, for a command that takes them.
 * @throws WrongUse for an unknown, repeated or incomplete flag, and for a word too few or too many.
 */
export function readCall(
  spec: CommandEntry,
  words: readonly string[],
  settings: readonly FlagSpec[] = [],
): Call {
  const own = flagsOf(spec)
  const flags = [...own, ...settings.filter(({ name }) => !own.some((flag) => flag.name === name))]
  const options = Object.fromEntries(
    flags.map(({ name, short, value, bare }) => [
      name,
      {
        type: value === undefined || bare !== undefined ? ('boolean' as const) : ('string' as const),
        ...(short === undefined ? {} : { short }),
      },
    ]),
  )
  const { tokens } = parseArgs({
    args: [...words],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const values = new Map(own.map(({ name }) => [name, [] as string[]]))
  const passed: string[] = []
  const positionals: string[] = []
  let taken = -1
  for (const [at, token] of tokens.entries()) {
    if (token.kind === 'option-terminator' || at === taken) continue
    if (token.kind === 'positional') {
      positionals.push(token.value)
      continue
    }
    const flag = flags.find(({ name }) => name === token.name) ?? refuseUnknown(token, flags)
    const next = tokens[at + 1]
    let text = valueOf(token, flag)
    if (
      flag.takesWord === true &&
      token.value === undefined &&
      next?.kind === 'positional' &&
      isBoolean(next.value)
    ) {
      text = next.value
      taken = at + 1
    }
    const list = values.get(flag.name)
    if (list === undefined) {
      if (passed.some((word) => word.startsWith(`--${flag.name}=`)))
        throw new WrongUse(`--${flag.name} is given twice`)
      passed.push(`--${flag.name}=${text}`)
      continue
    }
    if (list.length > 0 && flag.isRepeated !== true) throw new WrongUse(`${token.rawName} is given twice`)
    list.push(text)
  }
  // Help is shown for any other words.
  if (values.get('help')?.[0] !== 'true') checkPositionals(spec, positionals)
  return new Call({ name: spec.name, positionals, settings: passed, values })
}

function isBoolean(text: string): boolean {
  return text === 'true' || text === 'false'
}

function valueOf({ rawName, value, inlineValue }: OptionToken, flag: FlagSpec): string {
  if (flag.value === undefined) {
    if (value === undefined) return 'true'
    if (flag.takesWord !== true && !isBoolean(value))
      throw new WrongUse(`${rawName} is a switch: true or false`)
    return value
  }
  if (value === undefined) {
    if (flag.bare !== undefined) return flag.bare
    throw new WrongUse(`${rawName} needs a value`)
  }
  // `--reason --yes` was hardly meant; what really begins with a dash is told by `=`. A lone dash is standard input.
  if (!inlineValue && /^-\D/.test(value))
    throw new WrongUse(
      `${rawName} needs a value`,
      `if it really begins with a dash, write ${rawName}=${value}`,
    )
  if (flag.choices !== undefined && !flag.choices.includes(value))
    throw new WrongUse(`${rawName}: ${quoted(value)} is none of ${flag.choices.join(', ')}`)
  return value
}

function refuseUnknown({ rawName, name }: OptionToken, flags: readonly FlagSpec[]): never {
  const never = NEVER_FLAGS[name]
  if (never !== undefined && rawName.startsWith('--')) throw new WrongUse(`${rawName} is no flag`, never)
  const meant = rawName.startsWith('--')
    ? nearest(
        name,
        flags.map((flag) => flag.name),
      )
    : undefined
  const hint = meant === undefined ? '' : `; did you mean --${meant}?`
  throw new WrongUse(`unknown argument ${quoted(rawName)}${hint} (see: rescind --help)`)
}

function checkPositionals({ name, positionals = [] }: CommandEntry, words: readonly string[]): void {
  const usage = `the command is: ${usageOf(name, positionals)}`
  const missing = positionals.find((one, at) => one.isOptional !== true && words[at] === undefined)
  if (missing !== undefined) throw new WrongUse(`${missing.name} is missing`, usage)
  const isOpen = positionals.at(-1)?.isRepeated === true
  const extra = isOpen ? undefined : words[positionals.length]
  if (extra !== undefined) throw new WrongUse(`unknown argument ${quoted(extra)}`, usage)
  for (const [at, word] of words.entries()) {
    const { choices, name: place } = positionals[Math.min(at, positionals.length - 1)] ?? {}
    if (choices === undefined || choices.includes(word)) continue
    const meant = nearest(word, choices)
    throw new WrongUse(
      `${place}: unknown word ${quoted(word)}`,
      meant === undefined ? `one of ${choices.join(', ')}` : `did you mean ${meant}?`,
    )
  }
}

/** `rescind audit verify [FILE]`. */
export function usageOf(name: string, positionals: readonly PositionalSpec[]): string {
  const words = positionals.map((one) => {
    const word = one.isRepeated === true ? `${one.name}…` : one.name
    return one.isOptional === true ? `[${word}]` : word
  })
  return ['rescind', name, ...words, '[FLAGS]'].join(' ')
}
