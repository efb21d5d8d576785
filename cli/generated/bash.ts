import type { FlagSpec } from '../frame/entry.ts'
import type { Described } from './described.ts'

/** A completion script for bash: `source <(rescind completion bash)`. */
export function bashScript(all: readonly Described[]): string {
  return `# Completion of rescind for bash; written by: rescind completion bash
_rescind() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local name='' lead='' nth=0 at word flags='' valued='' files='' words=''
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    case $word in -*) continue ;; esac
    case "\${lead:+$lead }$word" in
${all.map(({ entry }) => `      ${quoted(entry.name)}) name=${quoted(entry.name)}; nth=0 ;;`).join('\n')}
      *) nth=$((nth + 1)) ;;
    esac
    lead="\${lead:+$lead }$word"
  done
  case $name in
${all.map(commandCase).join('\n')}
    *)
      case $lead in
${leads(all)
  .map(([lead, next]) => `        ${quoted(lead)}) words=${quoted(next.join(' '))} ;;`)
  .join('\n')}
      esac ;;
  esac
  case " $files " in *" $prev "*) COMPREPLY=($(compgen -f -- "$cur")); return ;; esac
  case " $valued " in *" $prev "*) COMPREPLY=(); return ;; esac
  case $cur in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$cur")) ;;
    *) if [ "$words" = '<file>' ]; then COMPREPLY=($(compgen -f -- "$cur")); else COMPREPLY=($(compgen -W "$words" -- "$cur")); fi ;;
  esac
}
complete -o filenames -F _rescind rescind
`
}

function commandCase({ entry, flags, positionals }: Described): string {
  const words = flags.flatMap(written).join(' ')
  const valued = flags.filter(({ value }) => value !== undefined)
  const ofFiles = valued.filter(({ completes }) => completes !== undefined).flatMap(written)
  const places = positionals.map((one, at) => {
    const place = one.isRepeated === true ? '*' : String(at)
    const choices = one.completes === undefined ? (one.choices ?? []).join(' ') : '<file>'
    return `        ${place}) words=${quoted(choices)} ;;`
  })
  const choices = valued.flatMap((flag) =>
    flag.choices === undefined
      ? []
      : [
          `        ${written(flag).join('|')}) COMPREPLY=($(compgen -W ${quoted(flag.choices.join(' '))} -- "$cur")); return ;;`,
        ],
  )
  return [
    `    ${quoted(entry.name)})`,
    `      flags=${quoted(words)}`,
    `      valued=${quoted(valued.flatMap(written).join(' '))} files=${quoted(ofFiles.join(' '))}`,
    ...(choices.length === 0 ? [] : ['      case $prev in', ...choices, '      esac']),
    ...(places.length === 0 ? [] : ['      case $nth in', ...places, '      esac']),
    '      ;;',
  ].join('\n')
}

function written({ name, short }: FlagSpec): readonly string[] {
  return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`]
}

/** The words that may follow what stands there so far, for every beginning of a command. */
function leads(all: readonly Described[]): readonly (readonly [string, readonly string[]])[] {
  const next = new Map<string, Set<string>>()
  for (const { entry } of all) {
    const words = entry.name.split(' ')
    for (const [at, word] of words.entries()) {
      const lead = words.slice(0, at).join(' ')
      next.set(lead, (next.get(lead) ?? new Set()).add(word))
    }
  }
  return [...next].map(([lead, words]) => [lead, [...words].sort()] as const)
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
