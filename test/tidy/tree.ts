import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url))

export type Source = { readonly path: string; readonly text: string }

/** Files of the repository: what git tracks, or would track; in an unpacked archive there is no git to ask. */
export function files(): readonly string[] {
  const words = ['ls-files', '--cached', '--others', '--exclude-standard', '-z']
  const listed = execFileSync('git', words, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 2 ** 20 })
  return listed.split('\0').filter((path) => path !== '' && existsSync(join(ROOT, path)))
}

export function read(path: string): Source {
  return { path, text: readFileSync(join(ROOT, path), 'utf8') }
}

/** TypeScript that is shipped or run: every .ts file that is no test and no part of one. */
export function sources(rooms: readonly string[]): readonly Source[] {
  return files()
    .filter((path) => path.endsWith('.ts') && !TEST_PARTS.test(path))
    .filter((path) => rooms.includes(path.split('/')[0] ?? ''))
    .map(read)
}

/** What only tests import: generators, fixtures, the suite that every store runs. */
const TEST_PARTS = /\.test\.ts$|^stores\/contract\//

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s(?:[^'"]*?\sfrom\s)?\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g

export function importsOf({ text }: Source): readonly string[] {
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? '')
}

/** The room that a specifier leads to, seen from a file; undefined for what is not ours. */
export function roomOf(specifier: string, from: string): string | undefined {
  if (specifier.startsWith('@rescind/')) return specifier.split('/')[1]
  if (!specifier.startsWith('.')) return undefined
  return relative('.', join(dirname(from), specifier)).split('/')[0]
}
