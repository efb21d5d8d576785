import { type CommandEntry, type FlagSpec, GROUPS } from '../../cli/frame/entry.ts'
import { EXIT, EXIT_MEANINGS, type ExitName } from '../../cli/frame/exit-codes.ts'
import { exitsOf, flagMeaning, flagWords } from '../../cli/frame/help.ts'
import { usageOf } from '../../cli/frame/parse.ts'
import { COMMON_FLAGS, flagsOf, REMOTE_FLAGS } from '../../cli/frame/shared-flags.ts'
import { CLIENT_VARIABLES, VARIABLE_MEANINGS } from '../../cli/frame/variables.ts'
import { COMMANDS } from '../../cli/table.ts'
import { code, markdown, type Page, table, WRITTEN } from './markdown.ts'

const SHARED: ReadonlySet<string> = new Set([...COMMON_FLAGS, ...REMOTE_FLAGS].map(({ name }) => name))

export function commandsPage(): Page {
  return {
    path: 'reference/commands.md',
    text: markdown([
      '# Commands',
      `Every command of \`rescind\`. ${WRITTEN}`,
      'How to use it: [the command line](../cli.md). `rescind COMMAND --help` and `rescind man COMMAND` say the same.',
      ...GROUPS.flatMap((group) => {
        const own = COMMANDS.filter((command) => command.group === group)
        return own.length === 0 ? [] : [`## ${group}`, ...own.flatMap(commandBlocks)]
      }),
      '## Flags of every command',
      flagTable(COMMON_FLAGS),
      '## Flags of commands that speak to a server',
      flagTable(REMOTE_FLAGS),
      '## Variables',
      table(
        ['variable', 'meaning'],
        CLIENT_VARIABLES.map((name) => [code(name), VARIABLE_MEANINGS[name]]),
      ),
      '## Exit codes',
      table(
        ['code', 'meaning'],
        Object.keys(EXIT).map((name) => [String(EXIT[name as ExitName]), EXIT_MEANINGS[name as ExitName]]),
      ),
    ]),
  }
}

function commandBlocks(entry: CommandEntry): readonly string[] {
  const { name, summary, text = [], positionals = [], examples, isRemote, takesSettings } = entry
  const own = flagsOf(entry).filter((flag) => !SHARED.has(flag.name) || entry.flags?.includes(flag) === true)
  const more = [
    ...(isRemote === true ? ['It speaks to a server.'] : []),
    ...(takesSettings === true ? ['It takes [the settings of the server](settings.md) as flags.'] : []),
    ...exitsOf(entry)
      .filter((exit) => exit === 'unenforced' || exit === 'awaiting')
      .map((exit) => `Exit code ${EXIT[exit]}: ${EXIT_MEANINGS[exit]}.`),
  ]
  return [
    `### rescind ${name}`,
    `${summary}. ${[...text, ...more].join(' ')}`.trim(),
    ['```text not-run=shape', usageOf(name, positionals), ...examples.flatMap(exampleLines), '```'].join(
      '\n',
    ),
    ...(positionals.length === 0
      ? []
      : [
          table(
            ['argument', 'meaning'],
            positionals.map((one) => [code(one.name), one.help]),
          ),
        ]),
    ...(own.length === 0 ? [] : [flagTable(own)]),
  ]
}

function exampleLines({
  does,
  command,
}: {
  readonly does: string
  readonly command: string
}): readonly string[] {
  return ['', `# ${does}`, command]
}

function flagTable(flags: readonly FlagSpec[]): string {
  return table(
    ['flag', 'meaning'],
    flags.map((flag) => [code(flagWords(flag)), flagMeaning(flag)]),
  )
}
