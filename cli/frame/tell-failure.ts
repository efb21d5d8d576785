import { EXIT, type ExitCode } from './exit-codes.ts'
import { CommandFailed, type FailureJson } from './failure.ts'
import { harmless, jsonText } from './harmless.ts'
import type { IoParts } from './io.ts'
import { pathText } from './token-text.ts'

/** What the file system says, in words. */
const FILE_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of this path is no folder',
  EISDIR: 'this is a folder',
  EACCES: 'this user may not open it',
  EPERM: 'this user may not do that to it',
  EEXIST: 'it exists already',
  ENOSPC: 'the disk is full',
  EROFS: 'the disk is read-only',
}

type Told = FailureJson & { readonly line: string; readonly exit: ExitCode }
type Context = { readonly words: readonly string[]; readonly surroundings: IoParts }

/** Prints one line, or JSON under --json, to standard error. Only RESCIND_DEBUG=1 shows a stack. */
export async function tellFailure(error: unknown, { words, surroundings }: Context): Promise<ExitCode> {
  const { errors, environment } = surroundings
  const { line, exit, ...json } = await toldOf(error)
  const isJson = words.some(
    (word, at) => /^(?:--json(?:=true)?|-ojson|--output=json)$/.test(word) || isJsonPair(words, at),
  )
  errors.write(isJson ? `${jsonText({ error: json })}\n` : `rescind: ${harmless(line)}\n`)
  if (environment['RESCIND_DEBUG'] === '1' && error instanceof Error) errors.write(`${error.stack}\n`)
  return exit
}

function isJsonPair(words: readonly string[], at: number): boolean {
  return (words[at] === '-o' || words[at] === '--output') && words[at + 1] === 'json'
}

async function toldOf(error: unknown): Promise<Told> {
  if (error instanceof CommandFailed) return { ...error.json, line: error.line, exit: error.exit }
  // If nothing has loaded it so far, the error is none of its own.
  const { isOutage, SettingsRefused, StoreRefused } = await import('@rescind/core')
  // A store that cannot be read, or not now, is not a bug of this program.
  if (error instanceof SettingsRefused || error instanceof StoreRefused || isOutage(error))
    return { message: error.message, line: error.message, exit: EXIT.misused }
  return fileFault(error) ?? bug(error)
}

function fileFault(error: unknown): Told | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  const words = FILE_FAULTS[String(error.code)]
  if (words === undefined) return undefined
  // A write to a file that is open does not name it.
  const message =
    'path' in error ? `${pathText(String(error.path))}: ${words}` : `a file could not be written: ${words}`
  return { message, line: message, exit: EXIT.misused }
}

/** Its message may quote what was read, so it is not shown. */
function bug(error: unknown): Told {
  const name = error instanceof Error ? error.name : typeof error
  const message = `a bug of this program (${name})`
  const next = 'run it again with RESCIND_DEBUG=1, and report what it prints and how it was called'
  return { message, next, line: `${message}: ${next}`, exit: EXIT.failed }
}
