import { setTimeout as wait } from 'node:timers/promises'
import { leaseMs } from '@rescind/authority'
import { StoreRefused } from '@rescind/core'
import type { Cursor, Facts, Moved, MoveSource, Page, StoredHead } from '../move/ends.ts'
import type { MovedTable } from '../move/tables.ts'
import type { Connection, PostgresAddress } from './connection.ts'
import { MOVE_MS, MovedRows } from './move-tables.ts'
import { movesOf, STORE } from './moved.ts'
import { GATE, MOVE_GATE } from './setup-functions.ts'
import { prepareStore } from './start.ts'
import { reached } from './store.ts'

/** @throws StoreRefused when the server or the store must not be used as it is. */
export async function openMoveSource(address: PostgresAddress): Promise<MoveSource> {
  const connection = await reached(address)
  try {
    const moves = await movesOf(connection, STORE)
    if (moves === undefined) throw new StoreRefused(`there is no store at ${nameOf(address)}`)
    // Also brings the functions up to date by which later nodes are refused.
    if (moves.moved === undefined) await prepareStore(connection, { floorMs: 0 })
    return new PostgresSource(address, connection, moves.moved)
  } catch (error) {
    connection.drop()
    throw error
  }
}

/** As the other end remembers it, however it is reached. */
export function nameOf({ host, port, user, database }: PostgresAddress): string {
  const [role, name] = [encodeURIComponent(user), encodeURIComponent(database)]
  if (host.startsWith('/')) return `postgres:///${name}?host=${host}&user=${role}`
  return `postgres://${role}@${host.includes(':') ? `[${host}]` : host}:${port}/${name}`
}

type Lease = readonly [node: string, counter: number, boundMs: number]
const LEASES = 'SELECT node::text, counter, bound_ms FROM rescind.lease'

class PostgresSource implements MoveSource {
  readonly name: string
  readonly #connection: Connection
  readonly #rows: MovedRows
  #moved: Moved | undefined
  /** When no heartbeat from before the move counts any more, by the monotonic clock. */
  #quietAtMs: number | undefined

  constructor(address: PostgresAddress, connection: Connection, moved: Moved | undefined) {
    this.name = nameOf(address)
    this.#connection = connection
    this.#rows = new MovedRows(connection, STORE)
    this.#moved = moved
  }

  get moved(): Moved | undefined {
    return this.#moved
  }

  /** Everything that this engine holds has room in the other one, but for realms that nobody can have. */
  async check(): Promise<void> {
    const sql = 'SELECT realm FROM rescind.head WHERE forked OR realm NOT BETWEEN 0 AND 8388607 LIMIT 1'
    const [row] = await this.#connection.rows<readonly [number]>(sql)
    if (row !== undefined)
      throw new StoreRefused(
        `the log of realm ${row[0]} was rolled back: begin a new epoch there (rescind epoch new), then move`,
      )
  }

  async begin({ id, to }: Omit<Moved, 'isOver'>): Promise<void> {
    const moved = { id, to, isOver: false }
    await this.#refuseLive()
    await this.#mark(moved)
    this.#moved = moved
  }

  async end(): Promise<void> {
    await this.#connection.rows('UPDATE rescind.store SET moved_over = true WHERE moved_id = $1', [
      this.#moved?.id ?? null,
    ])
  }

  async quiet(): Promise<void> {
    // Another run began the move. Written again: its own commit may have been cut off from a standby.
    if (this.#quietAtMs === undefined && this.#moved !== undefined) await this.#mark(this.#moved)
    await wait(Math.max(0, (this.#quietAtMs ?? 0) - performance.now()))
  }

  read(table: MovedTable, after: Cursor | undefined): Promise<Page> {
    return this.#rows.read(table, after)
  }

  count(table: MovedTable): Promise<number> {
    return this.#rows.count(table)
  }

  facts(): Promise<Facts> {
    return this.#rows.facts()
  }

  heads(): Promise<readonly StoredHead[]> {
    return this.#rows.heads()
  }

  async close(): Promise<void> {
    this.#connection.drop()
  }

  /** @throws StoreRefused while the counter of a lease row moves. A node that was killed leaves a row that stands still. */
  async #refuseLive(): Promise<void> {
    const before = await this.#connection.rows<Lease>(LEASES)
    if (before.length === 0) return
    await wait(Math.max(...before.map(([, , boundMs]) => leaseMs(boundMs))))
    const counters = new Map(before.map(([node, counter]) => [node, counter]))
    const after = await this.#connection.rows<Lease>(LEASES)
    const live = after.filter(([node, counter]) => counters.get(node) !== counter)
    if (live.length > 0)
      throw new StoreRefused(`${live.length} of its nodes still run on ${this.name}: stop every node first`)
  }

  /** Waits for what is being written; whatever comes later sees the mark. */
  async #mark({ id, to }: Moved): Promise<void> {
    const before = this.#connection.notices
    await this.#connection.run('BEGIN')
    await this.#connection.rows(`SELECT pg_advisory_xact_lock(${GATE}, ${MOVE_GATE})`, [], MOVE_MS)
    const marked = await this.#connection.rows(
      'UPDATE rescind.store SET moved_id = $1, moved_to = $2 WHERE moved_to IS NULL OR moved_id = $1 RETURNING one',
      [id, to],
    )
    if (marked.length === 0) {
      await this.#connection.run('ROLLBACK')
      throw new StoreRefused(`${this.name} is being moved by another run of this command`)
    }
    const leases = await this.#connection.rows<Lease>(LEASES)
    await this.#connection.run('COMMIT', MOVE_MS)
    if (this.#connection.notices !== before)
      throw new StoreRefused(
        'PostgreSQL could not say whether the move is on its standby: run the same command again',
      )
    this.#quietAtMs = performance.now() + Math.max(0, ...leases.map(([, , boundMs]) => leaseMs(boundMs)))
  }
}
