import { randomInt } from 'node:crypto'
import { namesOfToken, type SoughtNames, type TokenName } from '@rescind/authority/names'
import { type RealmOrdinal, type TokenRecord } from '@rescind/core'
import { hashOfName } from './name-hash.ts'
import type { NamesRead } from './name-read.ts'
import { NameTable } from './name-table.ts'

/** Candidates of one search. A name that more tokens bear is found soon by reading all tokens. */
export const CANDIDATES_MAX = 50_000
/** Entries visited between two turns of the event loop, in a millisecond or two. */
const ENTRIES_PER_TURN = 10_000
/** A table with more dead than live tokens, and at least as many dead ones, is made anew. */
const DEAD_MIN = 50_000

/**
 * The rows of the tokens that bear a name (docs/decisions/0024-tokens-by-name.md). It is filled beside everything else after
 * the store was opened, and answers nothing until it is whole. From its making on it learns of every committed group. A row
 * that it gives may belong to another token, or be gone.
 */
export class NameIndex {
  readonly seed: number = randomInt(2 ** 32)
  #table: NameTable = new NameTable()
  #isWhole = false
  /** Made from what is stored, to take the place of the table. */
  #filling: NameTable | undefined
  #highest = 0

  get bytes(): number {
    return this.#table.bytes
  }

  get isFilling(): boolean {
    return this.#filling !== undefined
  }

  /** The highest row that is committed. */
  get highest(): number {
    return this.#highest
  }

  /** Begins to fill it, or to make it anew. @param highest the highest row that is stored. */
  beginFill(highest: number = this.#highest): void {
    this.#highest = highest
    this.#filling = new NameTable()
  }

  load({ rows, counts, hashes }: NamesRead): void {
    let from = 0
    for (let at = 0; at < rows.length; at += 1) {
      const to = from + (counts[at] as number)
      this.#filling?.add(rows[at] as number, hashes.subarray(from, to))
      from = to
    }
  }

  /** Everything up to `highest` is loaded. */
  endFill(): void {
    if (this.#filling === undefined) return
    this.#table = this.#filling
    this.#filling = undefined
    this.#isWhole = true
  }

  /** What is in the table stays usable. */
  abandonFill(): void {
    this.#filling = undefined
  }

  /** Whether most of it is of tokens that are gone. */
  get isWorn(): boolean {
    const { dead, live } = this.#table
    return this.#isWhole && this.#filling === undefined && dead >= DEAD_MIN && dead > live
  }

  put(realm: RealmOrdinal, row: number, record: TokenRecord): void {
    this.#highest = row
    // What fills it reads on until it has come here.
    if (!this.#isWhole) return
    const names = namesOfToken(record)
    const hashes: number[] = new Array<number>(names.length)
    for (let at = 0; at < names.length; at += 1)
      hashes[at] = hashOfName(this.seed, realm, names[at] as TokenName)
    this.#table.add(row, hashes)
  }

  forget(row: number): void {
    this.#table.forget(row)
    this.#filling?.forget(row)
  }

  /** Rows after one whose tokens may bear all names of a set, in order. Undefined: it cannot tell, or there are too many. */
  async candidates(
    realm: RealmOrdinal,
    anyOf: SoughtNames['anyOf'],
    after: number,
  ): Promise<readonly number[] | undefined> {
    if (!this.#isWhole) return undefined
    const rows = new Set<number>()
    for (const set of anyOf) {
      const found = await this.#ofShortest(
        set.map((name) => hashOfName(this.seed, realm, name)),
        after,
      )
      if (found === undefined) return undefined
      for (const row of found) rows.add(row)
      if (rows.size > CANDIDATES_MAX) return undefined
    }
    return [...rows].sort((left, right) => left - right)
  }

  /** Follows the lists of all the hashes in turns: the one that ends first is the shortest. */
  async #ofShortest(hashes: readonly number[], after: number): Promise<readonly number[] | undefined> {
    const table = this.#table
    let walks = hashes.map((hash) => new Walk(table, hash, after))
    while (walks.length > 0) {
      for (const walk of walks) if (walk.go(ENTRIES_PER_TURN / walks.length)) return walk.rows
      walks = walks.filter(({ rows }) => rows.length <= CANDIDATES_MAX)
      await new Promise((resolve) => setImmediate(resolve))
    }
    return undefined
  }
}

/** Follows the list of one hash from the newest token to older ones, and takes those that are gone out of it. */
class Walk {
  readonly rows: number[] = []
  readonly #table: NameTable
  readonly #after: number
  #entry: number
  /** The last entry that stays in the list. */
  #kept = 0

  constructor(table: NameTable, hash: number, after: number) {
    this.#table = table
    this.#after = after
    this.#entry = table.newest(hash)
  }

  /** @returns whether it has reached the end. */
  go(entries: number): boolean {
    for (let visited = 0; visited < entries; visited += 1) {
      if (this.#entry === 0) return this.#end()
      const row = this.#table.rowOf(this.#entry)
      if (row >= 0 || this.#kept === 0) {
        this.#skipGone()
        this.#kept = this.#entry
      }
      if (row >= 0 && row <= this.#after) return true
      if (row >= 0 && this.rows.at(-1) !== row) this.rows.push(row)
      if (this.rows.length > CANDIDATES_MAX) return false
      this.#entry = this.#table.older(this.#entry)
    }
    return false
  }

  #end(): boolean {
    this.#skipGone()
    return true
  }

  #skipGone(): void {
    if (this.#kept !== 0 && this.#table.older(this.#kept) !== this.#entry)
      this.#table.unlink(this.#kept, this.#entry)
  }
}
