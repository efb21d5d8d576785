import type { RealmOrdinal } from '@rescind/core'

/** Each clock is off by at most 1 %: ours may run forward while another node's runs behind. */
const RATES = 1.01 / 0.99
const MARGIN_MS = 50

/** How long, by our clock, a heartbeat that was sent elsewhere with this bound may still count there. */
export function leaseMs(boundMs: number): number {
  return boundMs * RATES + MARGIN_MS
}

/** How far a node has folded a log. Without a chain value it has not read it, or refuses the whole realm. */
export type FoldMark = { readonly seq: number; readonly chain: Buffer | undefined }
export type FoldMarksOf = ReadonlyMap<RealmOrdinal, FoldMark>

/** The end of the realm's log is about to be read. */
export const OPENING: FoldMark = { seq: 0, chain: undefined }
/** Nothing positive is said about the realm, so there is nothing to wait for. */
export const REFUSED: FoldMark = { seq: Number.MAX_SAFE_INTEGER, chain: undefined }

/** How far a node has folded some logs. */
export type FoldedBy = { readonly node: string; readonly seqs: ReadonlyMap<RealmOrdinal, number> }

/** A node's row in the store. */
export type LeaseRow = {
  readonly node: string
  /** Each heartbeat raises it, and reads the heads only after that is committed. */
  readonly counter: number
  /** How long this node lets a heartbeat count. */
  readonly boundMs: number
  /** The last row that it has folded of each realm asked about. A realm without a mark: the node says nothing of it. */
  readonly marks: ReadonlyMap<RealmOrdinal, number>
}

type Sighting = { readonly counter: number; readonly sinceMs: number }

/** When each node's counter was first seen as it is, by our monotonic clock. */
export class Sightings {
  #last: ReadonlyMap<string, Sighting> = new Map()

  /** @param nowMs taken after the rows were received. */
  note(rows: readonly LeaseRow[], nowMs: number): void {
    const before = this.#last
    this.#last = new Map(
      rows.map(({ node, counter }) => {
        const known = before.get(node)
        return [node, known?.counter === counter ? known : { counter, sinceMs: nowMs }]
      }),
    )
  }

  /** Whether no heartbeat that the counter of a row counts is valid at that node any more. */
  isLapsed({ node, counter, boundMs }: LeaseRow, nowMs: number): boolean {
    const seen = this.#last.get(node)
    return seen?.counter === counter && nowMs - seen.sinceMs > leaseMs(boundMs)
  }
}
