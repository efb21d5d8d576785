import type { Consumption, TokenReads } from '@rescind/authority'
import type { Handle, RealmOrdinal, TokenDigest, TokenRecord } from '@rescind/core'
import type { TokenRow } from '../token-facts.ts'
import { recordOfRow } from '../token-record.ts'
import type { PoolName, Reads } from './reads.ts'
import { TOKEN_COLUMNS } from './rows.ts'

/** Look-ups of tokens by one pool. */
export class PostgresTokenReads implements TokenReads {
  readonly #reads: Reads
  readonly #pool: PoolName

  constructor(reads: Reads, pool: PoolName) {
    this.#reads = reads
    this.#pool = pool
  }

  tokenByDigest(realm: RealmOrdinal, digest: TokenDigest): Promise<TokenRecord | undefined> {
    return this.#token('t.digest = $2', [realm, digest])
  }

  tokenByHandle(realm: RealmOrdinal, handle: Handle): Promise<TokenRecord | undefined> {
    return this.#token('t.handle = $2', [realm, handle])
  }

  async #token(where: string, values: readonly (string | number)[]): Promise<TokenRecord | undefined> {
    const sql = `SELECT ${TOKEN_COLUMNS} FROM rescind.token t WHERE t.realm + 0 = $1 AND ${where}`
    const [row] = await this.#reads.rows<TokenRow>(sql, values, this.#pool)
    return row === undefined ? undefined : recordOfRow(row)
  }

  async consumption(realm: RealmOrdinal, handle: Handle): Promise<Consumption | undefined> {
    const sql = 'SELECT sealed FROM rescind.consumption WHERE realm = $1 AND handle = $2'
    const [row] = await this.#reads.rows<readonly [Uint8Array | null]>(sql, [realm, handle], this.#pool)
    return row === undefined ? undefined : { handle, sealed: row[0] ?? undefined }
  }
}
