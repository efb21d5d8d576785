import {
  ContractBroken,
  type Cutoff,
  ordinalOf,
  type RealmOrdinal,
  type RevocationIndex,
} from '@rescind/core'
import { sha256 } from '@rescind/core/bytes'
import {
  CHAIN_START,
  type ChainedLogRow,
  chainAfter,
  decodeRule,
  type LogRow,
  traitsOf,
} from '@rescind/core/log'
import { RecentRows } from '../nodes/recent-rows.ts'
import type { Testimony } from '../nodes/takeover.ts'
import type { Store } from '../ports.ts'
import { KEEP_COLLECTIONS, type Keeping } from './keeping.ts'
import type { Publication, PublishedRow } from './publications.ts'
import type { FoldedLog, GroupOutcome, LogHead, Write, WriteOutcome } from './writes.ts'

const ROWS_PER_READ = 1_000
/** Rows at the end of a log that are remembered when it is opened. */
const TAIL_ROWS = 100

/** A row to be folded; one of this process's own has no chain value yet. */
type TakenRow = Omit<ChainedLogRow, 'chain'> & { readonly chain?: Uint8Array }

export type SharedFoldParts = {
  readonly store: Store
  readonly indexOf: (realm: RealmOrdinal) => RevocationIndex
  readonly keepingOf: (realm: RealmOrdinal) => Keeping
  readonly tell: (realm: RealmOrdinal, row: LogRow) => void
  readonly publish: (publication: Publication) => void
  /** The store says that the log was rolled back. It is folded further. */
  readonly flagged: (realm: RealmOrdinal) => void
  /** The log is not the one that was folded, so no later row drops what was remembered of this realm. */
  readonly forked: (realm: RealmOrdinal) => void
  readonly isSuspended: (realm: RealmOrdinal) => boolean
  /** The log was trimmed further than this process had read. */
  readonly trimmed: (realm: RealmOrdinal) => void
  /** @returns undefined when it throws ContractBroken: the realm is then unreadable from this row on. */
  readonly readable: <T>(realm: RealmOrdinal, seq: number, read: () => T) => T | undefined
  /** This row has changed a record of this collection. */
  readonly changed: (realm: RealmOrdinal, seq: number, collection: string) => void
  /** A new epoch has begun with this row. */
  readonly begun: (realm: RealmOrdinal, seq: number) => void
  /** Rows up to here are folded, and all listeners have run. */
  readonly folded: (realm: RealmOrdinal, head: LogHead) => void
}

/**
 * Folds the logs of a store that other processes write to, too. Rows come from the replies to own groups and from watches,
 * some of them twice; each is folded once, in order of seq, if its chain follows from the one before.
 */
export class SharedFold {
  readonly #parts: SharedFoldParts
  /** The chain value of the last folded row. */
  readonly #chains: Map<RealmOrdinal, Buffer> = new Map()
  readonly #recent: RecentRows = new RecentRows()
  /** What the cutoffs of rows folded since the group in flight was judged were before. */
  readonly #previous: Map<RealmOrdinal, Map<number, Cutoff>> = new Map()
  #isInFlight = false
  /** Realms whose records about keeps were changed since they were read. */
  readonly #unsettled: Set<RealmOrdinal> = new Set()

  constructor(parts: SharedFoldParts) {
    this.#parts = parts
  }

  /** Call once a realm's log has been folded from the store. @throws StoreUnavailable. */
  async opened(realm: RealmOrdinal, { seq }: RevocationIndex): Promise<void> {
    // What others changed about keeps while the log was read.
    this.#unsettled.add(realm)
    this.#chains.set(realm, await this.#chainAt(realm, seq))
  }

  /** What this process knows, should another server take over. */
  testimony(): Testimony {
    const heads = [...this.#chains].map(([realm, chain]) => {
      const { head, seq } = this.#parts.indexOf(realm)
      return [realm, { seq, chain, ordinal: ordinalOf(head) }] as const
    })
    return { heads: new Map(heads), rowsAfter: (realm, seq) => this.#recent.after(realm, seq) }
  }

  /** Folds what other processes write from here on. */
  follow(realm: RealmOrdinal): void {
    const { seq } = this.#parts.indexOf(realm)
    this.#parts.store.watch(realm, seq, async (watched) => {
      if (watched.kind === 'rows') this.take(realm, watched.rows)
      else this.#parts.trimmed(realm)
    })
  }

  async #chainAt(realm: RealmOrdinal, seq: number): Promise<Buffer> {
    if (seq === 0) return CHAIN_START
    const anchor = await this.#parts.store.anchor(realm)
    if (anchor.seq === seq) return anchor.chain
    const from = Math.max(anchor.seq, seq - TAIL_ROWS)
    const rows = await this.#parts.store.chainedRowsAfter(realm, from, seq - from)
    const last = rows.at(-1)
    if (last?.seq !== seq) throw new ContractBroken(`row ${seq} of realm ${realm} is gone`)
    for (const row of rows) this.#recent.add(realm, row)
    return Buffer.from(last.chain)
  }

  /** What the writes of a group are judged by now. */
  folded(writes: readonly Write[]): ReadonlyMap<RealmOrdinal, FoldedLog> {
    this.#previous.clear()
    this.#isInFlight = true
    const folded = new Map<RealmOrdinal, FoldedLog>()
    const add = (realm: RealmOrdinal): void => {
      if (folded.has(realm)) return
      const { head, seq, digestKey } = this.#parts.indexOf(realm)
      folded.set(realm, { ordinal: ordinalOf(head), seq, chain: this.#chainOf(realm), digestKey })
    }
    for (const { realm, dependsOn } of writes) {
      add(realm)
      for (const one of dependsOn) add(one.realm)
    }
    return folded
  }

  /** Reads again what others have changed about keeps. @throws StoreUnavailable. */
  async reloadKeeps(): Promise<void> {
    for (const realm of [...this.#unsettled]) {
      // A change that is folded during the reading is read the next time.
      this.#unsettled.delete(realm)
      let isRead = false
      try {
        await this.#parts.keepingOf(realm).reload(this.#parts.store, realm)
        isRead = true
      } finally {
        if (!isRead) this.#unsettled.add(realm)
      }
    }
  }

  /** Folds what a group has written, and before that what it had missed. @throws StoreUnavailable, when rows are missing. */
  async settle(writes: readonly Write[], outcome: GroupOutcome): Promise<void> {
    const { outcomes, heads, missed, forked } = outcome
    for (const realm of forked ?? []) this.#parts.flagged(realm)
    for (const [realm, rows] of missed ?? []) this.take(realm, rows)
    // A reply brings along only the first rows. A stale write must be judged again by all of them.
    for (const realm of missed?.keys() ?? []) await this.catchUp(realm)
    const own = ownRows(writes, outcome)
    for (const [realm, rows] of own) {
      const first = rows[0]?.seq ?? 0
      if (this.#parts.indexOf(realm).seq < first - 1) await this.catchUp(realm)
      this.take(realm, rows)
      this.#compare(realm, heads.get(realm))
    }
    if (outcomes.length !== writes.length)
      throw new ContractBroken('a group without an outcome for each write')
  }

  #compare(realm: RealmOrdinal, head: LogHead | undefined): void {
    // Others may have written since, and their rows may have come first.
    if (head === undefined || this.#parts.indexOf(realm).seq !== head.seq) return
    if (!this.#chainOf(realm).equals(head.chain)) this.#parts.forked(realm)
  }

  /** The cutoff that a row of the group in flight has raised, as it was before. */
  previousCutoff(realm: RealmOrdinal, seq: number): Cutoff | undefined {
    return this.#previous.get(realm)?.get(seq)
  }

  /** No group is in flight any more. */
  answered(): void {
    this.#isInFlight = false
    this.#previous.clear()
  }

  /** Reads a realm's log to its end. @throws StoreUnavailable. */
  async catchUp(realm: RealmOrdinal): Promise<void> {
    for (;;) {
      const { seq } = this.#parts.indexOf(realm)
      const rows = await this.#parts.store.chainedRowsAfter(realm, seq, ROWS_PER_READ)
      if ((rows[0]?.seq ?? 0) > seq + 1) return this.#parts.trimmed(realm)
      this.take(realm, rows)
      if (rows.length < ROWS_PER_READ || this.#parts.indexOf(realm).seq === seq) return
    }
  }

  /** Says how far a realm is folded. */
  tellFolded(realm: RealmOrdinal): void {
    const { indexOf, folded } = this.#parts
    folded(realm, { seq: indexOf(realm).seq, chain: this.#chainOf(realm) })
  }

  /** Resolves once a log is folded up to this head. Another chain there is a fork. @throws StoreUnavailable. */
  async foldThrough(realm: RealmOrdinal, head: LogHead): Promise<void> {
    if (this.#parts.indexOf(realm).seq < head.seq) await this.catchUp(realm)
    this.#compare(realm, head)
    // A realm that stops before its head is unreadable or forked, and nothing in it is active.
    if (this.#parts.indexOf(realm).seq < head.seq && !this.#parts.isSuspended(realm))
      this.#parts.forked(realm)
  }

  /** Folds the rows that come next; the others are known already, or come again behind those that are missing. */
  take(realm: RealmOrdinal, rows: readonly TakenRow[]): void {
    const { indexOf, publish, readable, forked } = this.#parts
    const index = indexOf(realm)
    const prev = index.seq
    const taken: PublishedRow[] = []
    let chain = this.#chainOf(realm)
    for (const row of rows) {
      if (row.seq !== index.seq + 1) continue
      const next = chainAfter(chain, row)
      if (row.chain !== undefined && !next.equals(row.chain)) {
        forked(realm)
        break
      }
      const folded = readable(realm, row.seq, () => this.#fold(realm, row))
      if (folded === undefined) break
      taken.push(folded)
      this.#recent.add(realm, { ...row, chain: next })
      chain = next
    }
    this.#chains.set(realm, chain)
    if (taken.length === 0) return
    publish({ realm, prev, head: { seq: index.seq, chain }, rows: taken })
    this.tellFolded(realm)
  }

  /** @throws ContractBroken for a row that cannot be understood. */
  #fold(realm: RealmOrdinal, row: TakenRow): PublishedRow {
    const { indexOf, tell, begun } = this.#parts
    const means = decodeRule(row)
    const { previousCutoff } = indexOf(realm).fold(row)
    if (previousCutoff !== undefined) this.#remember(realm, row.seq, previousCutoff)
    if (means.kind === 'epoch') begun(realm, row.seq)
    if (means.kind === 'change') this.#noteChange(realm, row.seq, means.collection)
    tell(realm, row)
    return { seq: row.seq, atMs: row.atMs, kind: row.kind, rule: row.rule, means, audit: row.audit ?? '' }
  }

  #noteChange(realm: RealmOrdinal, seq: number, collection: string): void {
    this.#parts.changed(realm, seq, collection)
    if (KEEP_COLLECTIONS.includes(collection)) this.#unsettled.add(realm)
  }

  #remember(realm: RealmOrdinal, seq: number, cutoff: Cutoff): void {
    if (!this.#isInFlight) return
    const bySeq = this.#previous.get(realm) ?? new Map<number, Cutoff>()
    this.#previous.set(realm, bySeq.set(seq, cutoff))
  }

  #chainOf(realm: RealmOrdinal): Buffer {
    const chain = this.#chains.get(realm)
    if (chain === undefined) throw new ContractBroken(`realm ${realm} is not open`)
    return chain
  }
}

/** The rows that a group has written, by realm, as they are stored. */
function ownRows(
  writes: readonly Write[],
  { outcomes, timesMs }: GroupOutcome,
): ReadonlyMap<RealmOrdinal, readonly TakenRow[]> {
  const own = new Map<RealmOrdinal, TakenRow[]>()
  writes.forEach(({ realm, operations }, at) => {
    const outcome = outcomes[at] as WriteOutcome
    if (outcome.kind !== 'applied') return
    let seq = outcome.firstSeq
    for (const operation of operations) {
      if (operation.kind !== 'append') continue
      const { row } = operation
      const rows = own.get(realm) ?? []
      own.set(realm, rows)
      const auditHash = sha256(Buffer.from(row.audit, 'utf8'))
      const kind = traitsOf(row.rule).code
      rows.push({
        seq,
        atMs: timesMs?.get(realm) ?? row.atMs,
        kind,
        rule: row.bytes,
        auditHash,
        audit: row.audit,
      })
      seq += 1
    }
  })
  return own
}
