import { join } from 'node:path'
import { OURS } from './figures.ts'
import { here, startTarget, type Target } from './target.ts'

const OAUTH = '/api/id/v1/auth/token'
/** What is measured is the server, not its quotas. */
const UNLIMITED = ['--issue-rate', '0', '--identity-rate', '0', '--chat-rate', '0']

export const THIS_TREE: string = here('..')

export type OurServer = {
  readonly folder: string
  readonly seed?: string
  /** The tree whose server it is: this one, or an older one with its own node_modules. */
  readonly tree?: string
  readonly name?: string
}

/** This server over a store in a folder, as `npm start` would run it. */
export function startRescind({ folder, seed, tree = THIS_TREE, name = OURS }: OurServer): Promise<Target> {
  const serve = [join(tree, 'cli/main.ts'), 'serve', '--listen', '127.0.0.1:0']
  const store = ['--store', `sqlite:${join(folder, 'rescind.db')}`]
  const key = ['--master-key-file', join(folder, 'master.key')]
  const seeded = seed === undefined ? [] : ['--seed', seed]
  return startTarget({
    name,
    words: [...serve, ...store, ...key, ...UNLIMITED, ...seeded],
    paths: {
      ...{ issue: OAUTH, introspect: `${OAUTH}/introspect`, revoke: `${OAUTH}/revoke` },
      ...{ check: '/check', validate: '/v2.0/tokens', me: '/me' },
    },
    hasTokens: true,
  })
}
