import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export type Batch = {
  /** From the root of the repository. */
  readonly folder: string
  /** A folder inside that has a batch of its own. */
  readonly except?: string
  /** Of so many batches of this folder it is this one. */
  readonly nth?: number
  readonly of?: number
}

/**
 * Runs the test files of a folder in this process, one after the other, each as one test by its path: what they all
 * import is loaded once, and compiled to something quick once. Each still is a file that runs alone, and what it does
 * `after` all of its tests is done before the next one begins. What starts processes, or measures this one, gains
 * nothing and stays out of batches.
 */
export function runBatch({ folder, except, nth = 0, of = 1 }: Batch): void {
  const files = globSync(`${folder}/**/*.test.ts`, { cwd: ROOT }).filter(
    (path) => !path.includes('node_modules') && (except === undefined || !path.startsWith(`${except}/`)),
  )
  runFiles(files.sort().filter((_file, place) => place % of === nth))
}

const TRANSCRIPTS = 'test/acceptance/transcripts.test.ts'

/** Of test/acceptance, what `npm test` runs on every store; `npm run test:long` runs the others there. */
export const ON_EVERY_STORE: readonly string[] = [
  ...['audit', 'bulk', 'feed', 'held', 'lifetimes', 'realms', 'revoke-tokens', 'rotated-keys', 'seeds'],
  ...['shares', 'tokens', 'transcripts', 'trimmed', 'verifier'],
].map((name) => `test/acceptance/${name}.test.ts`)

/**
 * The acceptance tests on another store than memory. Of the transcripts, each of which starts a server, these are every
 * third one, and the others all.
 */
export function runAcceptanceOn(store: 'sqlite' | 'postgres', which: 'these' | 'others'): void {
  process.env['TEST_STORE'] = store
  if (which === 'these') process.env['TRANSCRIPTS'] = 'every-third'
  const files = globSync('test/acceptance/**/*.test.ts', { cwd: ROOT }).sort()
  const these = (path: string): boolean => ON_EVERY_STORE.includes(path)
  runFiles(files.filter((path) => (which === 'these' ? these(path) : !these(path) || path === TRANSCRIPTS)))
}

const ALL = 'it asks everything by every credential, which takes minutes there'
const TURNS = 'it counts turns of the event loop, and a database answers in later ones'
/** Test files that do not run on PostgreSQL, and why. */
const NOT_ON_POSTGRES: ReadonlyMap<string, string> = new Map([
  ['authority/log/landed.test.ts', TURNS],
  [
    'dialects/chat/external-verification.test.ts',
    'look-ups that take turns there may ask a verify URL more than once',
  ],
  ['dialects/chat/list-clients.test.ts', TURNS],
  ['dialects/identity/delegated.test.ts', ALL],
  ['dialects/identity/v2/authority.test.ts', ALL],
  ['server/compose/metrics-open.test.ts', 'it brings nodes of its own'],
  ['authority/log/index-differ.test.ts', 'its rules are kept longer where other nodes may raise lifetimes'],
])

/** The test files of a folder whose worlds open a store of the run's kind, on PostgreSQL. */
export function runFolderOnPostgres(folder: string): void {
  process.env['TEST_STORE'] = 'postgres'
  const files = globSync(`${folder}/**/*.test.ts`, { cwd: ROOT }).filter(
    (path) => !path.includes('node_modules') && OPENS_WORLD.test(readFileSync(join(ROOT, path), 'utf8')),
  )
  for (const file of files.sort()) {
    const skip = NOT_ON_POSTGRES.get(file)
    if (skip === undefined) runFiles([file])
    else test(file, { skip }, () => {})
  }
}

const OPENS_WORLD = /openWorld|openIdentity|openOauth|openChat|openServer|openTestStore/

/** Runs these test files in this process, one after the other, each as one test by its path. */
export function runFiles(files: readonly string[]): void {
  for (const file of files)
    test(file, async () => {
      await import(pathToFileURL(join(ROOT, file)).href)
    })
}
