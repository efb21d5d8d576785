import { hash } from 'node:crypto'
import { decodeRule, rowKindOfCode } from '@rescind/core/log'
import type { Cursor, Readable, StoredHead } from './ends.ts'
import { MOVED_TABLES, type MovedTable, type Row } from './tables.ts'

/** One line per table, and one for all of them and what stands beside them. */
export type StoreDigest = {
  readonly tables: ReadonlyMap<MovedTable, string>
  readonly heads: readonly StoredHead[]
  readonly rows: number
  readonly text: string
}

/** Sums of hashes: a table may be read in any order. */
const MODULUS = 2n ** 256n

class TableDigest {
  rows = 0
  #sum = 0n

  add(row: Row): void {
    this.rows += 1
    const bytes = row.map((value) =>
      value instanceof Uint8Array ? [Buffer.from(value).toString('hex')] : value,
    )
    this.#sum = (this.#sum + BigInt(`0x${hash('sha256', JSON.stringify(bytes), 'hex')}`)) % MODULUS
  }

  get text(): string {
    return `${this.rows} ${this.#sum.toString(16)}`
  }
}

/**
 * Reads a whole store. Equal digests mean equal stores: every row of every table, tokens in the order of each realm (their
 * numbers may differ), the ends of the logs, and the floor.
 */
export async function digestOf(store: Readable, onRows: (count: number) => void): Promise<StoreDigest> {
  const tables = new Map<MovedTable, string>()
  const heads = new Heads()
  let rows = 0
  for (const table of MOVED_TABLES) {
    const digest = new TableDigest()
    const ranks = new Map<string, number>()
    for await (const page of pagesOf(store, table)) {
      for (const row of page) digest.add(table === 'token' ? ranked(row, ranks) : row)
      if (table === 'log' || table === 'log_kept') for (const row of page) heads.add(table, row)
      onRows(page.length)
    }
    rows += digest.rows
    tables.set(table, digest.text)
  }
  const { floorMs } = await store.facts()
  const found = heads.all()
  const lines = [...tables].map(([table, text]) => `${table} ${text}`)
  const text = hash('sha256', JSON.stringify([lines, found, floorMs]), 'hex')
  return { tables, heads: found, rows, text }
}

async function* pagesOf(store: Readable, table: MovedTable): AsyncGenerator<readonly Row[], void> {
  for (let after: Cursor | undefined; ; ) {
    const { rows, last } = await store.read(table, after)
    if (last === undefined) return
    yield rows
    after = last
  }
}

/** With its place among the tokens of its realm instead of its number. */
function ranked([realm = '', , ...rest]: Row, ranks: Map<string, number>): Row {
  const rank = (ranks.get(String(realm)) ?? 0) + 1
  ranks.set(String(realm), rank)
  return [realm, String(rank), ...rest]
}

/** Finds the ends of the logs in their rows, which come in the order of each realm. */
class Heads {
  readonly #heads: Map<number, StoredHead> = new Map()
  readonly #ordinals: Map<number, number> = new Map()

  add(table: 'log' | 'log_kept', [realmText, seqText, atText, kindText, rule, , , chain]: Row): void {
    const [realm, kind] = [Number(realmText), Number(kindText)]
    if (rowKindOfCode(kind) === 'epoch' && rule instanceof Uint8Array) {
      const epoch = decodeRule({ kind, rule })
      const before = this.#ordinals.get(realm) ?? 0
      if (epoch.kind === 'epoch') this.#ordinals.set(realm, Math.max(before, epoch.ordinal))
    }
    if (table === 'log_kept' || !(chain instanceof Uint8Array)) return
    const hex = Buffer.from(chain).toString('hex')
    this.#heads.set(realm, { realm, seq: Number(seqText), chain: hex, atMs: Number(atText), ordinal: 0 })
  }

  all(): readonly StoredHead[] {
    const heads = [...this.#heads.values()].toSorted((a, b) => a.realm - b.realm)
    return heads.map((head) => ({ ...head, ordinal: this.#ordinals.get(head.realm) ?? 0 }))
  }
}
