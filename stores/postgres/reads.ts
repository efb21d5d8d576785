import { StoreUnavailable } from '@rescind/core'
import { DatabaseError, Pool } from 'pg'
import { configOf, type PostgresAddress } from './connection.ts'
import { ELSEWHERE, type Place, type ServerPlace } from './server-place.ts'

/**
 * Connections for reads; what is beyond them waits in turn. `pages`: scans, which may take long. `keys`: look-ups, and the rows
 * of logs, which are folded before anything is acknowledged. `urgent`: for requests that end tokens, once the look-ups are
 * busy; nothing else may take it.
 */
const CONNECTIONS = { pages: 2, keys: 4, urgent: 1 } as const
const IDLE_MS = 30_000
const READ_MS = 5_000

export type PoolName = keyof typeof CONNECTIONS
type Value = string | number | readonly string[] | Uint8Array | null

/**
 * Reads, each by one statement, which every other server and timeline refuses: "not found" never comes from a standby. A
 * primary that was replaced does not know it and goes on answering; how old its answers may be, heartbeats show.
 */
export class Reads {
  readonly #place: ServerPlace
  #pools: Readonly<Record<PoolName, Pool>>

  constructor(address: PostgresAddress, place: ServerPlace) {
    this.#place = place
    this.#pools = poolsTo(address)
    place.onMoved(() => {
      // What is under way may still be answered there; it is refused.
      void this.close()
      this.#pools = poolsTo(address)
    })
  }

  /** What a function that writes is told, so that it writes nowhere else. @throws StoreUnavailable while another takes over. */
  get place(): Place {
    const at = this.#place.now
    if (at === undefined) throw new StoreUnavailable('another server is taking over')
    return at
  }

  /** @param sql a query whose rows come in its own order. @throws StoreUnavailable when the answer cannot be known. */
  async rows<Row extends readonly unknown[]>(
    sql: string,
    values: readonly Value[],
    pool: PoolName,
  ): Promise<readonly Row[]> {
    // PostgreSQL's text holds no NUL, so nothing is stored under one.
    if (values.some((value) => typeof value === 'string' && value.includes('\0'))) return []
    const asked = this.place
    const result = await this.#ask(this.#poolFor(pool), sql, [...values, asked])
    if (asked !== this.#place.now) throw new StoreUnavailable('another server is taking over')
    // The caller names the columns that its statement selects.
    return result.flatMap(([, hit, ...columns]) => (hit === true ? [columns as unknown as Row] : []))
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#pools).map((pool) => pool.end()))
  }

  #poolFor(pool: PoolName): Pool {
    return pool === 'urgent' && isFree(this.#pools.keys) ? this.#pools.keys : this.#pools[pool]
  }

  /** @param values the last one is the server that is meant. */
  async #ask(pool: Pool, sql: string, values: readonly Value[]): Promise<readonly unknown[][]> {
    const text = `SELECT p.place, q.* FROM (SELECT rescind.here_1($${values.length}) AS place) p
      LEFT JOIN LATERAL (SELECT true AS hit, r.* FROM (${sql}) r) q ON true`
    try {
      const { rows } = await pool.query<unknown[]>({ text, values: [...values], rowMode: 'array' })
      return rows
    } catch (error) {
      if (error instanceof DatabaseError && error.code === ELSEWHERE) this.#place.found(error.detail ?? '')
      throw new StoreUnavailable('PostgreSQL could not be read', { cause: error })
    }
  }
}

function poolsTo(address: PostgresAddress): Readonly<Record<PoolName, Pool>> {
  const { pages, keys, urgent } = CONNECTIONS
  return { pages: poolTo(address, pages), keys: poolTo(address, keys), urgent: poolTo(address, urgent) }
}

function poolTo(address: PostgresAddress, max: number): Pool {
  const pool = new Pool({ ...configOf(address), max, idleTimeoutMillis: IDLE_MS, query_timeout: READ_MS })
  // Without a listener, an idle connection that is lost would end the process; the next read opens another.
  pool.on('error', () => {})
  return pool
}

/** What is given out next still counts as waiting. */
function isFree({ waitingCount, idleCount, totalCount, options }: Pool): boolean {
  return waitingCount < idleCount + options.max - totalCount
}
