import type { FlagSpec, PositionalSpec } from '../frame/entry.ts'
import type { Described } from './described.ts'

/** A completion script for zsh: a file `_rescind` in a folder of `$fpath`. */
export function zshScript(all: readonly Described[]): string {
  return `#compdef rescind
# Completion of rescind for zsh; written by: rescind completion zsh
_rescind() {
  local name='' lead='' last=1 at
  for ((at = 2; at < CURRENT; at++)); do
    [[ $words[at] == -* ]] && continue
    lead="\${lead:+$lead }$words[at]"
    case $lead in
${all.map(({ entry }) => `      ${quoted(entry.name)}) name=$lead; last=$at ;;`).join('\n')}
    esac
  done
  if [[ -z $name ]]; then
    local -a next
    case $lead in
${leads(all)
  .map(([lead, next]) => `      ${quoted(lead)}) next=(${next.map(quoted).join(' ')}) ;;`)
  .join('\n')}
    esac
    _describe command next
    return
  fi
  words=(rescind "\${(@)words[last+1,-1]}")
  ((CURRENT -= last - 1))
  case $name in
${all.map(commandCase).join('\n')}
  esac
}
if [[ $funcstack[1] == _rescind ]]; then _rescind "$@"; else compdef _rescind rescind; fi
`
}

function commandCase({ entry, flags, positionals }: Described): string {
  const words = [...flags.flatMap(flagWords), ...positionals.map(positionalWord)]
  return [
    `    ${quoted(entry.name)})`,
    `      _arguments -s ${words.map(quoted).join(' \\\n        ')} ;;`,
  ].join('\n')
}

function flagWords({
  name,
  short,
  help,
  value,
  choices,
  completes,
  isRepeated,
}: FlagSpec): readonly string[] {
  const taking = value === undefined ? '' : `:${value}:${action(choices, completes)}`
  const repeated = isRepeated === true ? '*' : ''
  const told = `[${escaped(help)}]${taking}`
  const long = `${repeated}--${name}${value === undefined ? '' : '='}${told}`
  return short === undefined
    ? [long]
    : [`(-${short} --${name})${long}`, `(-${short} --${name})-${short}${told}`]
}

function positionalWord({ name, help, isOptional, isRepeated, choices, completes }: PositionalSpec): string {
  const lead = isRepeated === true ? '*:' : isOptional === true ? '::' : ':'
  return `${lead}${escaped(`${name}, ${help}`)}:${action(choices, completes)}`
}

function action(choices: readonly string[] | undefined, completes: string | undefined): string {
  if (completes !== undefined) return '_files'
  return choices === undefined ? ' ' : `(${choices.join(' ')})`
}

/** Each with its meaning, for every beginning of a command. */
function leads(all: readonly Described[]): readonly (readonly [string, readonly string[]])[] {
  const next = new Map<string, Map<string, string>>()
  for (const { entry } of all) {
    const words = entry.name.split(' ')
    for (const [at, word] of words.entries()) {
      const lead = words.slice(0, at).join(' ')
      const known = next.get(lead) ?? new Map<string, string>()
      if (at === words.length - 1 || !known.has(word))
        known.set(word, at === words.length - 1 ? entry.summary : '')
      next.set(lead, known)
    }
  }
  return [...next].map(
    ([lead, words]) => [lead, [...words].map(([word, help]) => `${word}:${escaped(help)}`)] as const,
  )
}

function escaped(text: string): string {
  return text.replaceAll(/[[\]:\\]/g, '\\$&')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
