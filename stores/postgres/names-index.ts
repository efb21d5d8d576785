import type { Group } from '@rescind/authority'
import { DatabaseError } from 'pg'
import { Connection, type PostgresAddress } from './connection.ts'
import { Failures } from './failures.ts'
import type { Reads } from './reads.ts'

/** How long the index of a large store may be in the making. */
const BUILD_MS = 6 * 3_600_000

/**
 * The index over tokens by their names. New entries go to a list, which every search reads; `NamesUpkeep` moves them into the
 * index, beside the groups. A group does so itself only once the list has 16 MiB.
 */
const INDEX = `token_names ON rescind.token USING gin (rescind.names_1(realm, facts))
  WITH (fastupdate = on, gin_pending_list_limit = 16384)`

const STATE = `SELECT coalesce((SELECT i.indisvalid FROM pg_index i WHERE i.indexrelid = to_regclass('rescind.token_names')), false),
  to_regclass('rescind.token_names') IS NOT NULL,
  EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.relid = 'rescind.token'::regclass),
  EXISTS (SELECT FROM rescind.token)`
type State = readonly [isValid: boolean, isThere: boolean, isInTheMaking: boolean, hasTokens: boolean]

async function stateOf(connection: Connection): Promise<State> {
  const [state] = await connection.rows<State>(STATE)
  return state ?? [false, false, false, true]
}

/**
 * Makes the index at once for a store without tokens. A table of many would be locked for writers meanwhile.
 * @returns whether the index is whole.
 */
export async function makeEmptyIndex(connection: Connection): Promise<boolean> {
  const [isValid, isThere, , hasTokens] = await stateOf(connection)
  if (isThere || hasTokens) return isValid
  await connection.run(`CREATE INDEX IF NOT EXISTS ${INDEX}`)
  return true
}

/** What the server says when another node made or removed the index at the same moment. */
const OF_OTHERS: ReadonlySet<string | undefined> = new Set(['23505', '42P07', '40P01'])

/**
 * Makes the index beside everything else, for a store that has tokens from before. No writer waits for it. One that a crash
 * left unfinished is made anew. Until it is whole, tokens are found by reading all.
 * @throws DatabaseError, StoreUnavailable.
 */
async function makeIndexBeside(address: PostgresAddress): Promise<void> {
  let connection: Connection | undefined
  try {
    connection = await Connection.open(address)
    const [isValid, isThere, isInTheMaking] = await stateOf(connection)
    if (isValid || isInTheMaking) return
    if (isThere) await connection.run('DROP INDEX CONCURRENTLY IF EXISTS rescind.token_names', BUILD_MS)
    await connection.run(`CREATE INDEX CONCURRENTLY IF NOT EXISTS ${INDEX}`, BUILD_MS)
  } finally {
    connection?.drop()
  }
}

const TIDY_MS = 2_000
const TIDY = `SELECT gin_clean_pending_list(i.indexrelid::regclass) FROM pg_index i
  WHERE i.indexrelid = to_regclass('rescind.token_names') AND i.indisvalid`
/** How often a node looks whether the index is whole: the one that made it may have ended. */
const LOOK_MS = 900_000

export type NamesParts = {
  readonly address: PostgresAddress
  readonly reads: Reads
  /** Told once why something fails. */
  readonly failed: (why: string) => void
  /** Whether the upkeep is this node's: one at a time makes the index anew. */
  readonly isOurs: () => boolean
}

/** Keeps the index whole, and the list of new entries short while this node puts tokens. */
export class NamesUpkeep {
  readonly #parts: NamesParts
  readonly #making: Failures
  readonly #tidying: Failures
  readonly #timers: readonly NodeJS.Timeout[]
  #hasNew = false
  #isMaking = false
  #isClosed = false

  constructor(parts: NamesParts) {
    this.#parts = parts
    this.#making = new Failures('the index of names', parts.failed)
    this.#tidying = new Failures('the new entries of the index of names', parts.failed)
    this.#timers = [
      setInterval(() => void this.tidy(), TIDY_MS).unref(),
      setInterval(() => void this.look(), LOOK_MS).unref(),
    ]
  }

  committed({ writes }: Group): void {
    this.#hasNew ||= writes.some(({ operations }) => operations.some(({ kind }) => kind === 'put-token'))
  }

  close(): void {
    this.#isClosed = true
    for (const timer of this.#timers) clearInterval(timer)
  }

  /** Makes an index that is missing or was left unfinished, if the upkeep is this node's. */
  async look(): Promise<void> {
    if (this.#parts.isOurs()) await this.make()
  }

  /** If it fails, searches do without the index, and the next look tries again. */
  async make(): Promise<void> {
    if (this.#isMaking) return
    this.#isMaking = true
    try {
      await makeIndexBeside(this.#parts.address)
      this.#making.succeeded()
    } catch (error) {
      if (!(error instanceof DatabaseError && OF_OTHERS.has(error.code))) this.#note(this.#making, error)
    } finally {
      this.#isMaking = false
    }
  }

  /** If it fails, the list only stays longer. */
  async tidy(): Promise<void> {
    if (!this.#hasNew) return
    this.#hasNew = false
    try {
      await this.#parts.reads.rows(TIDY, [], 'pages')
      this.#tidying.succeeded()
    } catch (error) {
      const { cause } = error instanceof Error ? error : {}
      this.#note(this.#tidying, cause instanceof DatabaseError ? cause : error)
    }
  }

  #note(failures: Failures, error: unknown): void {
    if (!this.#isClosed) failures.failed(error)
  }
}
