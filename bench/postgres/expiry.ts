import { setTimeout as wait } from 'node:timers/promises'
import type { Store, Swept } from '@rescind/authority'
import { type Handle, type RealmOrdinal, realmOrdinal, type TokenRecord } from '@rescind/core'
import { Pace, SWEEP_STEP_MS } from '../../server/upkeep/pace.ts'
import { bareToken, commit, digestAt, handleAt, put, writeIn } from '../../stores/contract/samples.ts'
import { Connection, type PostgresAddress } from '../../stores/postgres/connection.ts'
import { openPostgres } from '../../stores/postgres/store.ts'
import { appended } from '../../test/kit/postgres-nodes.ts'

const TOKENS: RealmOrdinal = realmOrdinal(2)
const REVOKED: RealmOrdinal = realmOrdinal(3)
const SOURCE = 'oauth'
const EXPIRED_MS = 1_000
const FOREVER_MS = 9e12
/** Between two groups; each revokes as many tokens as come in at the rate meanwhile. */
const GROUP_MS = 20

export type ExpiryAsk = {
  readonly rows: number
  /** The rows are loaded and expire in so many rounds; the size after each must stay the same. */
  readonly rounds: number
  readonly revocationsPerSecond: number
  readonly quietMs: number
  /** Whether the table is vacuumed after each round; else the server does it when it sees fit. */
  readonly vacuum: boolean
}
export type Latencies = { readonly groups: number; readonly p50Ms: number; readonly p99Ms: number }
export type ExpiryFindings = {
  readonly quiet: Latencies
  readonly during: Latencies
  readonly sizesMb: readonly number[]
  readonly left: number
  readonly rowsPerSecond: number
}

/** Loads expired tokens inside the database, and removes them as the upkeep does, while others are revoked. */
export async function measureExpiry(address: PostgresAddress, ask: ExpiryAsk): Promise<ExpiryFindings> {
  const store = await openPostgres(address, { floorMs: EXPIRED_MS })
  const admin = await Connection.open(address)
  await commit(store, writeIn(TOKENS, put(bareToken(0, { source: SOURCE, expiresAtMs: FOREVER_MS }))))
  const revoking = new Revoking(store, ask.revocationsPerSecond)
  await revoking.during(wait(1_000))
  const quiet = await revoking.during(wait(ask.quietMs))
  const busy: number[] = []
  const sizesMb: number[] = []
  let sweptMs = 0
  for (let round = 0; round < ask.rounds; round += 1) {
    await load(admin, Math.ceil(ask.rows / ask.rounds), round)
    const startMs = performance.now()
    busy.push(...(await revoking.during(sweepAll(store, () => revoking.writes))))
    sweptMs += performance.now() - startMs
    if (ask.vacuum) await admin.run('VACUUM rescind.token')
    sizesMb.push(await sizeMb(admin))
  }
  const [row] = await admin.rows<[number]>('SELECT count(*) FROM rescind.token WHERE expires_at <= $1', [
    EXPIRED_MS,
  ])
  admin.drop()
  await store.close()
  return {
    ...{ quiet: latencies(quiet), during: latencies(busy), sizesMb, left: row?.[0] ?? 0 },
    rowsPerSecond: Math.round(ask.rows / (sweptMs / 1_000)),
  }
}

/** Copies of one token that have expired, with digests and handles of their own. */
async function load(admin: Connection, rows: number, round: number): Promise<void> {
  const text = (what: string, n: string): string =>
    `translate(rtrim(encode(sha256(('${what} ${round} ' || ${n})::bytea), 'base64'), '='), '+/', '-_')`
  await admin.run(`INSERT INTO rescind.token (realm, number, digest, handle, source, client, expires_at, facts)
    SELECT t.realm, h.tokens + n, ${text('digest', 'n')}, 'tok_' || left(${text('handle', 'n')}, 21) || 'A', t.source, t.client,
      ${EXPIRED_MS}, t.facts
    FROM rescind.token t, rescind.head h, generate_series(1, ${rows}) n
    WHERE t.expires_at = ${FOREVER_MS} AND h.realm = t.realm;
    UPDATE rescind.head SET tokens = tokens + ${rows} WHERE realm = ${TOKENS}`)
}

/** At the pace of the upkeep, which rests while others write. */
async function sweepAll(store: Store, writes: () => number): Promise<void> {
  const timing = { monotonicMs: () => performance.now(), rest: async (ms: number) => wait(ms) }
  const pace = new Pace({ ...timing, writes, stepMs: SWEEP_STEP_MS })
  await pace.run(
    () => true,
    async (limit) => {
      const page = await store.expiredTokens(EXPIRED_MS, limit)
      const tokens = page.flatMap(({ record }) => (record === undefined ? [] : [swept(record)]))
      await store.sweep?.(TOKENS, { tokens, entries: [] })
      return { looked: page.length, writes: 0 }
    },
  )
}

function swept({ digest, handle, expiresAtMs }: TokenRecord): Swept['tokens'][number] {
  return { digest, handle, ifExpiresAtMs: expiresAtMs }
}

class Revoking {
  readonly #store: Store
  readonly #perGroup: number
  #number = 0

  constructor(store: Store, perSecond: number) {
    this.#store = store
    this.#perGroup = Math.max(1, Math.round((perSecond * GROUP_MS) / 1_000))
  }

  get writes(): number {
    return this.#number
  }

  /** Milliseconds of each group, from when it was due. */
  async during(work: Promise<unknown>): Promise<readonly number[]> {
    let isOver = false
    const ended = work.finally(() => {
      isOver = true
    })
    const tookMs: number[] = []
    let dueMs = performance.now()
    while (!isOver) {
      await commit(this.#store, ...Array.from({ length: this.#perGroup }, () => this.#write()))
      tookMs.push(performance.now() - dueMs)
      dueMs += GROUP_MS
      await wait(Math.max(0, dueMs - performance.now()))
    }
    await ended
    return tookMs
  }

  #write(): ReturnType<typeof writeIn> {
    this.#number += 1
    const handle: Handle = handleAt(this.#number)
    const target = { kind: 'token', source: SOURCE, handle, digest: digestAt(this.#number) } as const
    return writeIn(REVOKED, appended({ kind: 'revoke', target, keepUntilMs: FOREVER_MS }))
  }
}

function latencies(tookMs: readonly number[]): Latencies {
  const sorted = tookMs.toSorted((left, right) => left - right)
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0
  return { groups: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99) }
}

async function sizeMb(admin: Connection): Promise<number> {
  const [row] = await admin.rows<[number]>("SELECT pg_total_relation_size('rescind.token')")
  return Math.round((row?.[0] ?? 0) / 104_858) / 10
}
