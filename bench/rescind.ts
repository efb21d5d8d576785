import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { OF_OLDER_TREES } from '../test/kit/server.ts'
import { OURS } from './figures.ts'
import { everywhere } from './pin.ts'
import type { Preload } from './preload.ts'
import { here, startTarget, type Target } from './target.ts'

const OAUTH = '/api/id/v1/auth/token'
/** Turns quotas off, because they are not what is measured. */
const UNLIMITED = ['--issue-rate', '0', '--identity-rate', '0', '--chat-rate', '0']

export const THIS_TREE: string = here('..')

export type OurServer = {
  readonly folder: string
  readonly seed?: string
  /** The tree of the server: this one, or an older one with its own node_modules. */
  readonly tree?: string
  readonly name?: string
  /** A store URL, instead of an embedded store in the folder. */
  readonly store?: string
  readonly flags?: readonly string[]
  /** Several servers that run at once must not share a core. */
  readonly isPinned?: boolean
}

/** This server over a store in a folder, run as `npm start` does. */
export function startRescind(asked: OurServer): Promise<Target> {
  const { folder, seed, tree = THIS_TREE, name = OURS, flags = [], isPinned = true } = asked
  const serve = [join(tree, 'cli/main.ts'), 'serve', '--listen', '127.0.0.1:0', ...flags]
  const store = ['--store', asked.store ?? `sqlite:${join(folder, 'rescind.db')}`]
  const key = ['--master-key-file', join(folder, 'master.key')]
  const seeded = seed === undefined ? [] : ['--seed', seed]
  return startTarget({
    name,
    words: [...flagsOf(tree), ...serve, ...store, ...key, ...UNLIMITED, ...seeded],
    paths: {
      ...{ issue: OAUTH, introspect: `${OAUTH}/introspect`, revoke: `${OAUTH}/revoke` },
      ...{ check: '/check', validate: '/v2.0/tokens', me: '/me' },
    },
    ...{ hasTokens: true, isPinned },
  })
}

/** Fills a store with a tree's own code. Runs in a process, because one tree cannot load the packages of another. */
export function fillStore(tree: string, what: Preload): void {
  const script = pathToFileURL(join(tree, 'bench/preload.ts')).href
  const code = `const { preload } = await import('${script}'); await preload(${JSON.stringify(what)})`
  const words = [...flagsOf(tree), '--input-type=module', '--eval', code]
  const [command, args] = everywhere(process.execPath, words)
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error(`the store could not be filled: ${status}`)
}

function flagsOf(tree: string): readonly string[] {
  return tree === THIS_TREE ? [] : OF_OLDER_TREES
}
