import { EXIT, EXIT_MEANINGS } from '../frame/exit-codes.ts'
import { exitsOf, flagMeaning, flagWords } from '../frame/help.ts'
import { usageOf } from '../frame/parse.ts'
import { CLIENT_VARIABLES, VARIABLE_MEANINGS } from '../frame/variables.ts'
import type { Described } from './described.ts'

/** The page of one command, rescind-COMMAND(1), in the language of man pages. */
export function commandPage({ entry, flags, positionals }: Described, version: string): string {
  const title = `rescind-${entry.name.replaceAll(' ', '-')}`
  return page(title, version, [
    heading('NAME', [`${escaped(title)} \\- ${escaped(entry.summary)}`]),
    heading('SYNOPSIS', [`.B ${escaped(usageOf(entry.name, positionals))}`]),
    ...(entry.text === undefined ? [] : [heading('DESCRIPTION', [escaped(entry.text.join(' '))])]),
    ...(positionals.length === 0
      ? []
      : [
          heading(
            'ARGUMENTS',
            positionals.flatMap(({ name, help }) => entryOf(name, help)),
          ),
        ]),
    heading(
      'OPTIONS',
      flags.flatMap((flag) => entryOf(flagWords(flag), flagMeaning(flag))),
    ),
    heading(
      'EXIT STATUS',
      exitsOf(entry).flatMap((exit) => entryOf(String(EXIT[exit]), EXIT_MEANINGS[exit])),
    ),
    heading(
      'EXAMPLES',
      entry.examples.flatMap(({ does, command }) => entryOf(does, command)),
    ),
    heading('SEE ALSO', ['.BR rescind (1)']),
  ])
}

/** The page of all, rescind(1). */
export function overviewPage(all: readonly Described[], version: string): string {
  return page('rescind', version, [
    heading('NAME', ['rescind \\- the off\\-switch for tokens']),
    heading('SYNOPSIS', ['.B rescind COMMAND [FLAGS]']),
    heading(
      'COMMANDS',
      all.flatMap(({ entry, positionals }) => entryOf(usageOf(entry.name, positionals), entry.summary)),
    ),
    heading(
      'ENVIRONMENT',
      CLIENT_VARIABLES.flatMap((name) => entryOf(name, VARIABLE_MEANINGS[name])),
    ),
    heading(
      'EXIT STATUS',
      Object.entries(EXIT_MEANINGS).flatMap(([name, meaning]) =>
        entryOf(String(EXIT[name as keyof typeof EXIT]), meaning),
      ),
    ),
  ])
}

function page(title: string, version: string, parts: readonly string[]): string {
  return [`.TH ${title.toUpperCase()} 1 "" "rescind ${version}" "Rescind"`, ...parts, ''].join('\n')
}

function heading(title: string, lines: readonly string[]): string {
  return [`.SH ${title}`, ...lines].join('\n')
}

function entryOf(name: string, meaning: string): readonly string[] {
  return ['.TP', `.B ${escaped(name)}`, escaped(meaning)]
}

/** Dashes are dashes, other characters than ASCII are named by number, and no line is taken for a request. */
function escaped(text: string): string {
  const plain = text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(
      /[^\x20-\x7e]/gu,
      (char) => `\\[u${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
    )
  return /^[.']/.test(plain) ? `\\&${plain}` : plain
}
