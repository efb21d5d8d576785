import type { FoldedLog, Group, GroupOutcome, LogHead, Operation, Write } from '@rescind/authority'
import { type RealmOrdinal, realmOrdinal, type TokenFacts } from '@rescind/core'
import { CHAIN_START, encodeRule, type Rule } from '@rescind/core/log'
import { Connection, type PostgresAddress } from '../../stores/postgres/connection.ts'
import {
  decodeReply,
  encodeGroup,
  type GroupReply,
  type MissedRow,
} from '../../stores/postgres/group-json.ts'
import { prepareStore } from '../../stores/postgres/start.ts'
import { DIGEST_KEY, NOW_MS } from './samples.ts'

export const REALM: RealmOrdinal = realmOrdinal(1)
export const EMPTY_LOG: LogHead = { seq: 0, chain: CHAIN_START }

const CALL = 'SELECT reply, missed FROM rescind.group_1($1, $2, $3, $4, $5, $6, $7, $8, $9)'

/** An empty store in this database. @returns which server it is on. */
export async function emptyStore(address: PostgresAddress, floorMs = 1_000): Promise<string> {
  const connection = await Connection.open(address)
  const { place } = await prepareStore(connection, { floorMs })
  const tables = await connection.rows<[string]>(
    "SELECT tablename FROM pg_tables WHERE schemaname = 'rescind' AND tablename <> 'store'",
  )
  // Quicker than making it anew, and than TRUNCATE, which flushes a file for each table and index.
  await connection.run(tables.map(([name]) => `DELETE FROM rescind.${name};`).join(''))
  await connection.run(`UPDATE rescind.store SET floor = ${floorMs}`)
  connection.drop()
  return place
}

/** A node that calls the function by hand, so that a test can hold its transaction open. */
export class HandNode {
  readonly connection: Connection
  readonly id: string
  readonly #place: string
  fence = 1
  no = 0
  upkeepFence: number | undefined

  private constructor(connection: Connection, id: string, place: string) {
    this.connection = connection
    this.id = id
    this.#place = place
  }

  static async open(address: PostgresAddress, number: number, place: string): Promise<HandNode> {
    const connection = await Connection.open(address)
    const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
    await connection.rows('INSERT INTO rescind.node (id, fence, group_no, since) VALUES ($1, 1, 0, now())', [
      id,
    ])
    return new HandNode(connection, id, place)
  }

  /** Commits at once, unless the test has begun a transaction. */
  async commit(group: Group, place: string = this.#place): Promise<GroupOutcome> {
    const { realms, deps, writes, upkeep } = encodeGroup(group, this.upkeepFence)
    this.no += 1
    const values = [this.id, this.fence, this.no, place, group.floorMs, realms, deps, writes, upkeep]
    const [row] = await this.connection.rows<readonly [GroupReply, readonly MissedRow[] | null]>(CALL, values)
    if (row === undefined) throw new Error('the function answers one row')
    return decodeReply(group, row[0], row[1] ?? [])
  }
}

/** A group that was judged when its realms' logs ended at these positions. */
export function judgedAt(
  at: LogHead | ReadonlyMap<RealmOrdinal, LogHead>,
  ...writes: readonly Write[]
): Group & { readonly folded: ReadonlyMap<RealmOrdinal, FoldedLog> } {
  const heads = at instanceof Map ? at : new Map([[REALM, at as LogHead]])
  const folded = new Map(
    [...heads].map(([realm, head]) => [realm, { ...head, ordinal: 0, digestKey: DIGEST_KEY }]),
  )
  return { writes, floorMs: 0, folded }
}

export function dependent(facts: readonly TokenFacts[], ...operations: readonly Operation[]): Write {
  return {
    realm: REALM,
    dependsOn: facts.map((one) => ({ realm: REALM, facts: one })),
    expects: [],
    operations,
  }
}

export function appended(rule: Rule, audit = '{}'): Operation {
  return { kind: 'append', row: { atMs: NOW_MS, rule, bytes: encodeRule(rule, DIGEST_KEY), audit } }
}
