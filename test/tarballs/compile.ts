import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../tidy/tree.ts'

const run = promisify(execFile)

const STRICT = [
  ...['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess'],
  ...['--moduleDetection', 'force', '--target', 'es2024', '--types', 'node'],
]
/** How projects find the declarations of a package. The first one also checks these, which takes seconds. */
const RESOLUTIONS = {
  node16: ['--module', 'node16', '--skipLibCheck', 'false'],
  bundler: ['--module', 'esnext', '--moduleResolution', 'bundler', '--skipLibCheck'],
} as const

export type Resolution = keyof typeof RESOLUTIONS

/** What the compiler says about these files of a folder: nothing, if they compile. */
export async function complaintsAbout(
  files: readonly string[],
  folder: string,
  resolution: Resolution,
): Promise<string> {
  const words = [...STRICT, ...RESOLUTIONS[resolution], ...files]
  const told = run(join(ROOT, 'node_modules/.bin/tsc'), words, { cwd: folder })
  const { stdout } = await told.catch((error: { readonly stdout?: string }) => ({
    stdout: error.stdout ?? String(error),
  }))
  return stdout
}
