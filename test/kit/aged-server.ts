import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { NewRow, Operation, Store } from '@rescind/authority'
import { type RealmOrdinal, realmOrdinal } from '@rescind/core'
import type { Rule } from '@rescind/core/log'
import { checkConfig, type RunningServer, resolveSettings, startServer } from '@rescind/server'
import { MemoryStore, openSqlite } from '@rescind/stores'
import { pino } from 'pino'
import { Calls } from './calls.ts'
import { HandClock, MASTER, START_MS } from './realm.ts'
import { CHEAP_PASSWORDS, SEED } from './seed.ts'
import { SeededRandom } from './seeded-random.ts'
import { CONTROL_KEY, makeQuickHome } from './server.ts'

export type AgedServer = {
  readonly url: string
  readonly calls: Calls
  readonly clock: HandClock
  readonly maintenance: RunningServer['maintenance']
  /** Log lines at `warn` and above since the server started on the aged store. */
  readonly logged: () => readonly Readonly<Record<string, unknown>>[]
  readonly store: Store
  /** Path of the database; memory has none. */
  readonly path: string | undefined
}

export type Aged = {
  /** Calls to the server before its store is aged. */
  readonly before?: (calls: Calls) => Promise<void>
  /** Writes to the store what another version would have written. @param path of the database; memory has none. */
  readonly age: (store: Store, path: string | undefined) => Promise<void>
  readonly flags?: readonly string[]
}

type Run = (open: (aged: Aged) => Promise<AgedServer>, t: TestContext) => Promise<void>

/** A case that starts a server on a store written by an earlier, later or broken one; runs on each kind of store. */
export function onAgedStores(name: string, run: Run): void {
  for (const kind of ['memory', 'SQLite'] as const)
    test(`${name} (${kind})`, (t) => run((aged) => openAged(kind, aged, t), t))
}

async function openAged(kind: 'memory' | 'SQLite', aged: Aged, t: TestContext): Promise<AgedServer> {
  const home = makeQuickHome()
  t.after(home.remove)
  writeFileSync(join(home.folder, 'seed.json'), JSON.stringify(SEED), { mode: 0o600 })
  writeFileSync(join(home.folder, 'master.key'), `${MASTER.bytes.toString('base64url')}\n`, { mode: 0o600 })
  const path = kind === 'memory' ? undefined : join(home.folder, 'rescind.db')
  const memory = new MemoryStore(START_MS)
  const opened = async (): Promise<Store> => (path === undefined ? memory : openSqlite(path, START_MS))
  const clock = new HandClock()
  const lines: string[] = []
  const start = async (store: Store): Promise<RunningServer> => {
    const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) })
    const random = new SeededRandom(`start ${lines.length}`)
    const machine = { clock, store, random, log, passwordCost: CHEAP_PASSWORDS }
    return startServer(config(home.folder, aged.flags ?? []), machine)
  }
  const first = await start(await opened())
  const calls = new Calls(portOf(first))
  await aged.before?.(calls)
  calls.close()
  await first.close()
  const between = await opened()
  await aged.age(between, path)
  await between.close()
  lines.length = 0
  const store = await opened()
  const server = await start(store)
  const again = new Calls(portOf(server))
  t.after(async () => {
    again.close()
    await server.close()
  })
  return {
    url: server.url,
    calls: again,
    clock,
    maintenance: server.maintenance,
    logged: () => lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>),
    store,
    path,
  }
}

function portOf({ url }: RunningServer): number {
  return Number(new URL(url).port)
}

function config(folder: string, flags: readonly string[]): ReturnType<typeof checkConfig> {
  const values = resolveSettings({
    flags: [
      ...['--listen', '127.0.0.1:0', '--store', 'memory:', '--seed', join(folder, 'seed.json')],
      ...['--master-key-file', join(folder, 'master.key'), '--control-rate', '0', ...flags],
    ],
    environment: { RESCIND_CONTROL_KEY: CONTROL_KEY },
    file: undefined,
  })
  return checkConfig(values)
}

/** The realm `default` of every store. */
export const DEFAULT: RealmOrdinal = realmOrdinal(1)

/** Writes to a store what no server of this version would write. */
export async function write(
  store: Store,
  operations: readonly Operation[],
  realm: RealmOrdinal = DEFAULT,
): Promise<void> {
  const change = { realm, dependsOn: [], expects: [], operations }
  const { outcomes } = await store.commit({ writes: [change], floorMs: await store.floor() })
  if (outcomes[0]?.kind !== 'applied') throw new Error(`not written: ${JSON.stringify(outcomes)}`)
}

/** A row with these rule bytes; `kind` need not match their meaning. */
export function rowWith(
  bytes: Uint8Array,
  more: Partial<NewRow> & { readonly kind: Rule['kind'] },
): Operation {
  const { kind, ...rest } = more
  // Stores read only the kind of the rule.
  const rule = { kind } as Rule
  const audit = JSON.stringify({ by: 'test', from: 'local', how: 'test' })
  return { kind: 'append', row: { atMs: START_MS, rule, bytes: Buffer.from(bytes), audit, ...rest } }
}
