import { StoreUnavailable } from '@rescind/core'
import { Pool } from 'pg'
import { configOf, type PostgresAddress } from './connection.ts'

/** Connections for reads; requests beyond them wait in turn. */
const CONNECTIONS = 4
const IDLE_MS = 30_000
const READ_MS = 5_000

type Value = string | number | readonly string[] | Uint8Array | null

/**
 * Reads, each by one statement. Every answer says from which server and timeline it comes, so that "not found" never comes
 * from a standby, or from a primary that was replaced.
 */
export class Reads {
  readonly #pool: Pool
  readonly #place: string

  constructor(address: PostgresAddress, place: string) {
    this.#place = place
    this.#pool = new Pool({
      ...configOf(address),
      max: CONNECTIONS,
      idleTimeoutMillis: IDLE_MS,
      query_timeout: READ_MS,
    })
    // Without a listener, an idle connection that is lost would end the process; the next read opens another.
    this.#pool.on('error', () => {})
  }

  /** @param sql a query whose rows come in its own order. @throws StoreUnavailable when the answer cannot be known. */
  async rows<Row extends readonly unknown[]>(sql: string, values: readonly Value[]): Promise<readonly Row[]> {
    // PostgreSQL's text holds no NUL, so nothing is stored under one.
    if (values.some((value) => typeof value === 'string' && value.includes('\0'))) return []
    const result = await this.#ask(sql, values)
    const rows: Row[] = []
    for (const [place, hit, ...columns] of result) {
      if (place !== this.#place)
        throw new StoreUnavailable(`a read came from the server ${String(place)}, not ${this.#place}`)
      // The caller names the columns that its statement selects.
      if (hit === true) rows.push(columns as unknown as Row)
    }
    return rows
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  async #ask(sql: string, values: readonly Value[]): Promise<readonly unknown[][]> {
    const text = `SELECT p.place, q.* FROM (SELECT rescind.place_1() AS place) p
      LEFT JOIN LATERAL (SELECT true AS hit, r.* FROM (${sql}) r) q ON true`
    try {
      const { rows } = await this.#pool.query<unknown[]>({ text, values: [...values], rowMode: 'array' })
      return rows
    } catch (error) {
      throw new StoreUnavailable('PostgreSQL could not be read', { cause: error })
    }
  }
}
