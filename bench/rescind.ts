import { join } from 'node:path'
import { here, startTarget, type Target } from './target.ts'

const BASE = '/api/id/v1/auth/token'

/** This server over a store in a folder, as `npm start` would run it. */
export function startRescind(folder: string, flags: readonly string[] = []): Promise<Target> {
  const serve = [here('../cli/main.ts'), 'serve', '--listen', '127.0.0.1:0']
  const store = ['--store', `sqlite:${join(folder, 'rescind.db')}`]
  const key = ['--master-key-file', join(folder, 'master.key')]
  return startTarget({
    name: 'rescind',
    // What is measured is the server, not its quota.
    words: ['-C', 'rescind-source', ...serve, ...store, ...key, '--issue-rate', '0', ...flags],
    paths: { issue: BASE, introspect: `${BASE}/introspect`, revoke: `${BASE}/revoke` },
    hasTokens: true,
  })
}
