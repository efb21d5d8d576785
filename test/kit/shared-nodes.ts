import assert from 'node:assert/strict'
import { after, before, beforeEach } from 'node:test'
import { Nodes, type Publication, type Realm, Realms, type Store } from '@rescind/authority'
import { openPostgres } from '../../stores/postgres/store.ts'
import { emptyStore } from './postgres-nodes.ts'
import { type PostgresServer, startPostgres } from './postgres-server.ts'
import { HandClock, MASTER, START_MS } from './realm.ts'
import { SeededRandom } from './seeded-random.ts'

export type SharedNode = {
  readonly realms: Realms
  readonly realm: Realm
  readonly store: Store
  readonly clock: HandClock
  readonly published: Publication[]
}

type Opening = {
  readonly openStore: () => Promise<Store>
  readonly openOn: typeof openNode
  readonly open: (seed: string) => Promise<SharedNode>
}

/** For a file of tests: a PostgreSQL server, emptied before each test, and the nodes that a test opens on it. */
export function sharedNodes(): Opening {
  let server: PostgresServer
  const opened: Store[] = []
  const closeAll = async (): Promise<void> => {
    for (const store of opened.splice(0)) await store.close()
  }
  before(async () => {
    server = await startPostgres()
  })
  after(async () => {
    await closeAll()
    await server.stop()
  })
  beforeEach(async () => {
    await closeAll()
    await emptyStore(server.address)
  })
  const openStore = async (): Promise<Store> => {
    const store = await openPostgres(server.address, { floorMs: START_MS })
    opened.push(store)
    return store
  }
  return { openStore, openOn: openNode, open: async (seed) => openNode(await openStore(), seed) }
}

type More = { readonly mustEnd?: (why: string) => void; readonly nodes?: Nodes }

/** A store's process with heartbeats; timers and the clock are the machine's own. */
export async function joinedTo({ nodes: port }: Store): Promise<Nodes> {
  assert.ok(port !== undefined)
  return await Nodes.join({
    ...{ port, boundMs: 1_000, acknowledge: 'everywhere', told: () => {} },
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    later: (ms, task) => {
      const timer = setTimeout(task, ms).unref()
      return () => clearTimeout(timer)
    },
  })
}

async function openNode(store: Store, seed: string, more: More = {}): Promise<SharedNode> {
  const clock = new HandClock()
  const realms = await Realms.open({
    ...{ store, clock, master: MASTER, random: new SeededRandom(seed) },
    ...{ defer: setImmediate, lazily: true, ...more },
  })
  const published: Publication[] = []
  realms.ledger.onGroup({
    published: (one) => published.push(one),
    lost: () => assert.fail('nothing is lost'),
  })
  return { realms, realm: realms.default, store, clock, published }
}

/** Waits for what another node's rows bring about. @returns how long it took, in milliseconds. */
export async function until(isTrue: () => boolean): Promise<number> {
  const from = performance.now()
  while (!isTrue())
    await new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
  return performance.now() - from
}

/** Waits until one node has folded what the other has. */
export async function caughtUp(behind: SharedNode, ahead: SharedNode): Promise<void> {
  for (const realm of ahead.realms.all()) {
    const own = behind.realms.all().find(({ ordinal }) => ordinal === realm.ordinal)
    if (own !== undefined) await until(() => own.index.seq >= realm.index.seq)
  }
}
