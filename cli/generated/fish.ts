import type { FlagSpec } from '../frame/entry.ts'
import type { Described } from './described.ts'

/** A completion script for fish: `rescind completion fish | source`. */
export function fishScript(all: readonly Described[]): string {
  return `# Completion of rescind for fish; written by: rescind completion fish
function __rescind_words
    # The words so far that are no flags.
    string match --invert -- '-*' (commandline -opc)[2..]
end
function __rescind_begins
    set -l lead (string join ' ' -- (__rescind_words))
    test "$lead" = "$argv"
end
function __rescind_in
    set -l words (__rescind_words)
    set -l lead (string join ' ' -- $words[1..(count (string split ' ' -- "$argv"))])
    test "$lead" = "$argv"
end
complete -c rescind -f
${[...all.flatMap(wordLines), ...all.flatMap(flagLines)].join('\n')}
`
}

function wordLines({ entry }: Described): readonly string[] {
  const words = entry.name.split(' ')
  return words.map((word, at) => {
    const lead = words.slice(0, at).join(' ')
    const help = at === words.length - 1 ? ` -d ${quoted(entry.summary)}` : ''
    return `complete -c rescind -n ${quoted(`__rescind_begins ${lead}`.trim())} -a ${word}${help}`
  })
}

function flagLines({ entry, flags, positionals }: Described): readonly string[] {
  const at = `complete -c rescind -n ${quoted(`__rescind_in ${entry.name}`)}`
  const places = positionals.flatMap(({ choices, completes }) => {
    if (completes !== undefined) return [`${at} -F`]
    return choices === undefined ? [] : [`${at} -a ${quoted(choices.join(' '))}`]
  })
  return [...places, ...flags.map((flag) => `${at} ${flagWords(flag)} -d ${quoted(flag.help)}`)]
}

function flagWords({ name, short, value, choices, completes }: FlagSpec): string {
  const own = short === undefined ? `-l ${name}` : `-s ${short} -l ${name}`
  if (value === undefined) return own
  if (completes !== undefined) return `${own} -r -F`
  return choices === undefined ? `${own} -x` : `${own} -x -a ${quoted(choices.join(' '))}`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
