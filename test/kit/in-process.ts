import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after } from 'node:test'
import type { IssuingQuota, Store } from '@rescind/authority'
import type { Clock } from '@rescind/core'
import {
  checkConfig,
  type DialectModule,
  MODULES,
  type PasswordCost,
  type RunningServer,
  resolveSettings,
  settingsOf,
  startServer,
} from '@rescind/server'
import { openSqlite } from '@rescind/stores'
import { Calls } from './calls.ts'
import { HandClock, START_MS } from './realm.ts'
import { CHEAP_PASSWORDS, SEED } from './seed.ts'
import { SeededRandom } from './seeded-random.ts'
import { CONTROL_KEY, type Home, makeQuickHome } from './server.ts'
import { type StoreSwitch, switchedStore } from './switched-store.ts'
import { IS_EMBEDDED, IS_POSTGRES, openDatabase, openMemory } from './test-store.ts'

/** The public URL of test servers, so that links in answers are the same in every run. */
export const PUBLIC_URL = 'http://127.0.0.1:8080'

export type TestServer = {
  readonly url: string
  readonly port: number
  readonly clock: HandClock
  readonly power: StoreSwitch
  /** The server's store, read directly. */
  readonly store: Store
  readonly maintenance: RunningServer['maintenance']
  readonly close: () => Promise<void>
}

export type TestServerStart = {
  /** Instead of the server's dialects. */
  readonly modules?: readonly DialectModule[]
  readonly seed?: unknown
  /** `hand`: the test controls clock and randomness, so that every answer is predictable. */
  readonly time: 'hand' | 'real'
  readonly flags?: readonly string[]
  /** Fills the store before the server opens it. */
  readonly prepare?: (store: Store) => Promise<void>
  /** Instead of the quota in the flags. */
  readonly quota?: IssuingQuota
  /** Instead of the cheapest cost, for tests of login floods. */
  readonly passwordCost?: PasswordCost
}

/** The real server in this process, on a free port. */
export async function openServer(start: TestServerStart): Promise<TestServer> {
  const { modules = MODULES, seed, time, flags, prepare, quota, passwordCost = CHEAP_PASSWORDS } = start
  const home = makeQuickHome()
  const seedFile = join(home.folder, 'seed.json')
  writeFileSync(seedFile, JSON.stringify(seed ?? SEED), { mode: 0o600 })
  const sources = {
    flags: [
      ...['--listen', '127.0.0.1:0', '--store', 'memory:', '--log-level', 'silent'],
      ...['--seed', seedFile, '--master-key-file', join(home.folder, 'master.key'), ...(flags ?? [])],
    ],
    environment: { RESCIND_CONTROL_KEY: CONTROL_KEY },
    file: undefined,
  }
  const values = resolveSettings(sources, settingsOf(modules))
  const clock = new HandClock()
  const startMs = time === 'hand' ? START_MS : Date.now()
  const inner = await openInner(home, startMs, time === 'hand' ? clock : undefined)
  await prepare?.(inner)
  const { store, power } = switchedStore(inner)
  const kept = { modules, store, passwordCost }
  const surroundings = time === 'hand' ? { ...kept, clock, random: new SeededRandom() } : kept
  const server: RunningServer = await startServer(checkConfig(values), {
    ...surroundings,
    ...(quota === undefined ? {} : { quota }),
  })
  if (!IS_EMBEDDED) home.remove()
  return {
    url: server.url,
    port: Number(new URL(server.url).port),
    clock,
    power,
    store,
    maintenance: server.maintenance,
    close: async () => {
      await server.close()
      home.remove()
    },
  }
}

function openInner({ folder }: Home, floorMs: number, clock: Clock | undefined): Store | Promise<Store> {
  if (IS_EMBEDDED) return openSqlite(join(folder, 'rescind.db'), floorMs)
  return IS_POSTGRES ? openDatabase(floorMs, clock) : openMemory(floorMs)
}

/** One server and one connection for all tests of a file; closed after the last one. */
export async function openForFile(
  start: TestServerStart,
): Promise<{ readonly server: TestServer; readonly calls: Calls }> {
  const server = await openServer(start)
  const calls = new Calls(server.port)
  after(async () => {
    calls.close()
    await server.close()
  })
  return { server, calls }
}
