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
}

/** This server over a store in a folder, run as `npm start` does. */
export function startRescind({ folder, seed, tree = THIS_TREE, name = OURS }: OurServer): Promise<Target> {
  const serve = [join(tree, 'cli/main.ts'), 'serve', '--listen', '127.0.0.1:0']
  const store = ['--store', `sqlite:${join(folder, 'rescind.db')}`]
  const key = ['--master-key-file', join(folder, 'master.key')]
  const seeded = seed === undefined ? [] : ['--seed', seed]
  return startTarget({
    name,
    words: [...flagsOf(tree), ...serve, ...store, ...key, ...UNLIMITED, ...seeded],
    paths: {
      ...{ issue: OAUTH, introspect: `${OAUTH}/introspect`, revoke: `${OAUTH}/revoke` },
      ...{ check: '/check', validate: '/v2.0/tokens', me: '/me' },
    },
    hasTokens: true,
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
