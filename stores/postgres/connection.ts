import type { ConnectionOptions } from 'node:tls'
import { StoreUnavailable } from '@rescind/core'
import { Client, type ClientConfig, DatabaseError, types } from 'pg'

/** Where a store is, and who asks. `password` is asked again for each connection. */
export type PostgresAddress = {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
  readonly password?: () => string | undefined | Promise<string | undefined>
  readonly ssl: ConnectionOptions | false
}

type Single = string | number | boolean | Uint8Array | null
type Value = Single | readonly Single[]

const CONNECT_MS = 5_000
const KEEP_ALIVE_MS = 5_000
/**
 * A connection that is silent for longer counts as lost. A statement may wait for several locks in turn, and so for longer: what
 * it did is then looked up like any outcome that is not known.
 */
const ANSWER_MS = 5_000
/**
 * A connection whose client is gone ends within seconds on the server, too, and with it the locks of its group. These are
 * statements and no startup options, which PgBouncer refuses.
 */
const SESSION = `SELECT set_config('tcp_user_timeout', '5000', false), set_config('tcp_keepalives_idle', '5', false),
  set_config('tcp_keepalives_interval', '2', false), set_config('tcp_keepalives_count', '3', false),
  set_config('client_connection_check_interval', '1000', false),
  set_config('idle_in_transaction_session_timeout', '5000', false), set_config('jit', 'off', false)`

/** An int8 as a number: times, counts and positions are all below 2^53. */
const INT8 = types.builtins.INT8
const TYPES: ClientConfig['types'] = {
  getTypeParser: (oid: Parameters<typeof types.getTypeParser>[0], format?: 'text' | 'binary') =>
    oid === INT8 ? Number : format === 'binary' ? types.getTypeParser(oid, format) : types.getTypeParser(oid),
}

export function configOf({ host, port, user, database, password, ssl }: PostgresAddress): ClientConfig {
  return {
    ...{ host, port, user, database, ssl, types: TYPES },
    application_name: 'rescind',
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    // An empty password counts as none; without one, pg would look for a file of its own choice.
    password: async () => (await password?.()) ?? '',
  }
}

/** One connection, which knows whether it is lost and how many notices came. It runs one statement at a time. */
export class Connection {
  readonly #client: Client
  #notices = 0
  #lost = false

  static async open(address: PostgresAddress): Promise<Connection> {
    const connection = new Connection(new Client(configOf(address)))
    await connection.#begin()
    return connection
  }

  private constructor(client: Client) {
    this.#client = client
    client.on('notice', () => {
      this.#notices += 1
    })
    // Without a listener, a connection that is lost between two statements would end the process.
    client.on('error', () => {
      this.#lost = true
    })
    client.on('end', () => {
      this.#lost = true
    })
  }

  async #begin(): Promise<void> {
    try {
      await this.#client.connect()
      await this.rows(SESSION)
    } catch (error) {
      this.drop()
      throw outage(error)
    }
  }

  get isLost(): boolean {
    return this.#lost
  }

  /** Notices since the connection began. One that came with a commit leaves its outcome unknown. */
  get notices(): number {
    return this.#notices
  }

  onNotification(told: (payload: string) => void): void {
    this.#client.on('notification', ({ payload }) => told(payload ?? ''))
  }

  /** Resolves when the connection is lost or dropped. */
  ended(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    if (this.#lost) resolve()
    else this.#client.once('end', resolve)
    return promise
  }

  /**
   * `moreMs`: for a statement that works long. Always an unnamed statement, because poolers may give each one another session.
   * @throws DatabaseError when the server refuses it, StoreUnavailable for all other failures.
   */
  async rows<Row>(text: string, values: readonly Value[] = [], moreMs = 0): Promise<readonly Row[]> {
    const asked = { text, values: [...values], rowMode: 'array' as const }
    const result = await this.#inTime(this.#client.query<unknown[]>(asked), moreMs)
    // The caller names the columns that its statement selects.
    return result.rows as unknown as readonly Row[]
  }

  /** Statements without parameters and results; several are one transaction. `moreMs`: as for rows. */
  async run(text: string, moreMs = 0): Promise<void> {
    await this.#inTime(this.#client.query(text), moreMs)
  }

  /** A proxy may keep a connection open whose server is gone, and nothing else would end the wait. */
  async #inTime<T>(answer: Promise<T>, moreMs: number): Promise<T> {
    const timer = setTimeout(() => this.drop(), ANSWER_MS + moreMs)
    try {
      return await answer
    } catch (error) {
      throw outage(error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Whether the connection is ready again after an error, which proves that the failed statement was rolled back. */
  async isReady(): Promise<boolean> {
    if (this.#lost) return false
    try {
      await this.rows('SELECT 1')
      return !this.#lost
    } catch {
      return false
    }
  }

  /** Ends the connection without waiting for the server, which may be out of reach. */
  drop(): void {
    this.#lost = true
    this.#client.end().catch(() => {
      // It is gone either way.
    })
    this.#client.connection.stream.destroy()
  }
}

/** Whatever fails on the way to the server; what the server itself says stays as it is. */
function outage(error: unknown): unknown {
  if (error instanceof DatabaseError || error instanceof StoreUnavailable) return error
  return new StoreUnavailable(error instanceof Error ? error.message : String(error), { cause: error })
}
