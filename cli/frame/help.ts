import { type CommandEntry, type FlagSpec, GROUPS, type PositionalSpec } from './entry.ts'
import { EXIT, EXIT_MEANINGS, type ExitName } from './exit-codes.ts'
import { type Line, paint } from './lines.ts'
import { usageOf } from './parse.ts'
import { COMMON_FLAGS, flagsOf } from './shared-flags.ts'

const NAME_WIDTH = 22

/** `rescind --help`: every command by its group. */
export function overview(commands: readonly CommandEntry[]): readonly Line[] {
  const groups = GROUPS.flatMap((group): readonly Line[] => {
    const own = commands.filter((command) => command.group === group)
    if (own.length === 0) return []
    return [paint('bold', group), ...own.map(({ name, summary }) => entry(name, summary)), '']
  })
  return [
    'rescind: the off-switch for tokens',
    '',
    'usage: rescind COMMAND [FLAGS]; rescind COMMAND --help shows examples',
    '',
    ...groups,
    paint('bold', 'Flags of every command'),
    ...COMMON_FLAGS.flatMap(flagLines),
    '',
    [
      'A server is addressed by --url or RESCIND_URL; its key comes from RESCIND_KEY_FILE, RESCIND_KEY, `rescind login`,',
    ],
    ['or a prompt, and never from the command line.'],
  ]
}

/** `CMD --help`. @param settings the server's settings, for a command that takes them. */
export function helpOf(spec: CommandEntry, settings: readonly FlagSpec[]): readonly Line[] {
  const { name, summary, text = [], positionals = [], examples } = spec
  const own = flagsOf(spec)
  return [
    `${summary}.`,
    '',
    `usage: ${usageOf(name, positionals)}`,
    ...(text.length === 0 ? [] : ['', ...wrapped(text.join(' '))]),
    ...section('Arguments', positionals.map(positionalLine)),
    ...section(
      'Examples',
      examples.flatMap(({ does, command }): readonly Line[] => [
        [paint('dim', `  # ${does}`)],
        `  ${command}`,
      ]),
    ),
    ...section('Flags', own.flatMap(flagLines)),
    ...section(
      'Settings of the server (over the environment, over rescind.config.json)',
      settings.filter((one) => !own.some((flag) => flag.name === one.name)).flatMap(flagLines),
    ),
    ...section(
      'Exit codes',
      exitsOf(spec).map((exit) => entry(String(EXIT[exit]), EXIT_MEANINGS[exit])),
    ),
  ]
}

/** The exit codes that a command may end with. */
export function exitsOf({ exits = [] }: CommandEntry): readonly ExitName[] {
  return ['done', 'failed', 'misused', ...exits, 'interrupted']
}

/** A flag as it is written: `-o, --output FORMAT`. */
export function flagWords({ name, short, value, bare }: FlagSpec): string {
  const spelt = bare === undefined ? ` ${value}` : `[=${value}]`
  const long = value === undefined ? `--${name}` : `--${name}${spelt}`
  return short === undefined ? long : `-${short}, ${long}`
}

/** What the help says about a flag, its variable and its preset. */
export function flagMeaning({ help, environment, preset, choices, isRepeated }: FlagSpec): string {
  const more = [
    ...(choices === undefined ? [] : [choices.join(' | ')]),
    ...(isRepeated === true ? ['may be repeated'] : []),
    ...(environment === undefined ? [] : [environment]),
    ...(preset === undefined ? [] : [`default ${preset}`]),
  ]
  return more.length === 0 ? help : `${help} (${more.join(', ')})`
}

function flagLines(flag: FlagSpec): readonly Line[] {
  return [entry(flagWords(flag), flagMeaning(flag))]
}

function positionalLine({ name, help }: PositionalSpec): Line {
  return entry(name, help)
}

function entry(name: string, meaning: string): Line {
  const isLong = name.length > NAME_WIDTH
  return [paint('cyan', `  ${name.padEnd(NAME_WIDTH)}`), `${isLong ? '  ' : ' '}${meaning}`]
}

function section(title: string, lines: readonly Line[]): readonly Line[] {
  return lines.length === 0 ? [] : ['', paint('bold', title), ...lines]
}

const WIDTH = 100

function wrapped(paragraph: string): readonly string[] {
  const lines = ['']
  for (const word of paragraph.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last === '') lines[lines.length - 1] = word
    else if (last.length + word.length < WIDTH) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
