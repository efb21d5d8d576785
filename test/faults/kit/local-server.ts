import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Store } from '@rescind/authority'
import type { Clock } from '@rescind/core'
import { checkConfig, type RunningServer, resolveSettings, startServer } from '@rescind/server'
import { CHEAP_PASSWORDS, SEED } from '../../kit/seed.ts'
import { CONTROL_KEY, type Home } from '../../kit/server.ts'

export type LocalStart = {
  readonly home: Home
  readonly clock?: Clock
  /** Replaces the SQLite store in the home. */
  readonly store?: Store
  readonly seed?: unknown
}

/** Starts the real server in this process, so that a test controls its clock or its store. */
export function startLocally({ home, clock, store, seed }: LocalStart): Promise<RunningServer> {
  const seedFile = join(home.folder, 'seed.json')
  writeFileSync(seedFile, JSON.stringify(seed ?? SEED), { mode: 0o600 })
  const values = resolveSettings({
    flags: [
      ...['--listen', '127.0.0.1:0', '--log-level', 'silent', '--seed', seedFile, '--identity-rate', '0'],
      ...['--store', `sqlite:${join(home.folder, 'data', 'rescind.db')}`],
      ...['--master-key-file', join(home.folder, 'data', 'master.key')],
    ],
    environment: { RESCIND_CONTROL_KEY: CONTROL_KEY },
    file: undefined,
  })
  return startServer(checkConfig(values), {
    passwordCost: CHEAP_PASSWORDS,
    ...(clock === undefined ? {} : { clock }),
    ...(store === undefined ? {} : { store }),
  })
}
