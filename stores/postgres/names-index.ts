import type { Group } from '@rescind/authority'
import { Connection, type PostgresAddress } from './connection.ts'
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

/**
 * Makes the index beside everything else, for a store that has tokens from before. No writer waits for it. One that a crash
 * left unfinished is made anew. If it fails, tokens are found by reading all, and the next start tries again.
 */
export async function makeIndexBeside(address: PostgresAddress): Promise<void> {
  let connection: Connection | undefined
  try {
    connection = await Connection.open(address)
    const [isValid, isThere, isInTheMaking] = await stateOf(connection)
    if (isValid || isInTheMaking) return
    if (isThere) await connection.run('DROP INDEX CONCURRENTLY IF EXISTS rescind.token_names', BUILD_MS)
    await connection.run(`CREATE INDEX CONCURRENTLY IF NOT EXISTS ${INDEX}`, BUILD_MS)
  } catch {
    // Another node makes it, or the server refuses; searches do without.
  } finally {
    connection?.drop()
  }
}

const TIDY_MS = 2_000
const TIDY = `SELECT gin_clean_pending_list(i.indexrelid::regclass) FROM pg_index i
  WHERE i.indexrelid = to_regclass('rescind.token_names') AND i.indisvalid`

/** Keeps the list of new entries short while this node puts tokens. */
export class NamesUpkeep {
  readonly #reads: Reads
  #hasNew = false
  readonly #timer: NodeJS.Timeout

  constructor(reads: Reads) {
    this.#reads = reads
    this.#timer = setInterval(() => void this.#tidy(), TIDY_MS)
    this.#timer.unref()
  }

  committed({ writes }: Group): void {
    this.#hasNew ||= writes.some(({ operations }) => operations.some(({ kind }) => kind === 'put-token'))
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** Never throws: if it fails, the list only stays longer. */
  async #tidy(): Promise<void> {
    if (!this.#hasNew) return
    this.#hasNew = false
    await this.#reads.rows(TIDY, [], 'pages').catch(() => {})
  }
}
