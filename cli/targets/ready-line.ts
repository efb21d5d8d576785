import { harmless } from '../frame/harmless.ts'
import type { Environment } from '../frame/io.ts'
import { type Members, textsOf } from '../remote/members.ts'

/** How this program was called, for lines that are pasted: in a clone there is no `rescind` in PATH. */
export function programIn(environment: Environment): string {
  const isExec = environment['npm_command'] === 'exec' && (environment['npm_config_package'] ?? '') === ''
  return isExec ? 'npm exec rescind --' : 'rescind'
}

const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/

/** A word as a POSIX shell reads it back; with control characters, as bash and zsh do. */
export function shellWord(text: string): string {
  if (PLAIN.test(text)) return text
  if (harmless(text) === text) return `'${text.replaceAll("'", `'\\''`)}'`
  const escaped = Array.from(text, (char) => {
    if (char === "'" || char === '\\') return `\\${char}`
    if (harmless(char) === char && char !== '\n') return char
    return `\\U${(char.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`
  })
  return `$'${escaped.join('')}'`
}

/** `--subject ann`; a value that begins with a dash is told by `=`. */
export function flagWord(flag: string, value: string): string {
  return `--${flag}${value.startsWith('-') ? '=' : ' '}${shellWord(value)}`
}

const FLAG_OF: Readonly<Record<string, string>> = { key: 'signing-key' }

/** The flags that name a target of the API. */
export function targetWords(target: Members): string {
  return Object.entries(target)
    .flatMap(([member, value]) => {
      if (member === 'realm') return ['--whole-realm']
      return textsOf(value).map((text) => flagWord(FLAG_OF[member] ?? member, text))
    })
    .join(' ')
}

/** `--realm branch`, where the command would act in another one without it. */
export function realmWords(realm: string, usual: string | undefined): readonly string[] {
  return realm === '' || realm === (usual ?? 'default') ? [] : [flagWord('realm', realm)]
}
