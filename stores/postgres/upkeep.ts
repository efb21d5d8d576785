import { leaseMs, type UpkeepTurn } from '@rescind/authority'
import { nodeOf } from './instance-rows.ts'
import type { Reads } from './reads.ts'

const CLAIM = 'SELECT owner, fence, counter, bound_ms FROM rescind.upkeep_1($1, $2, $3, $4, $5)'
/** For a node that left, and so has no lease row. */
const LEFT_MS = 1_000

type ClaimRow = readonly [owner: string, fence: number, counter: number | null, boundMs: number | null]

/** The owner of the upkeep, as it was first seen with this counter. */
type Seen = {
  readonly owner: string
  readonly fence: number
  readonly counter: number | null
  readonly boundMs: number | null
  readonly sinceMs: number
}

/**
 * This node's part in the upkeep. Seeing that another one stands still may be wrong: only the fence decides whose groups
 * are written.
 */
export class PostgresUpkeep {
  readonly #nodeId: string
  readonly #reads: Reads
  #fence: number | undefined
  #seen: Seen | undefined

  constructor(nodeId: string, reads: Reads) {
    this.#nodeId = nodeId
    this.#reads = reads
  }

  /** What the groups of this node's upkeep are written by. Undefined: it has none. */
  get fence(): number | undefined {
    return this.#fence
  }

  /** @throws StoreUnavailable. */
  async claim(nowMs: number): Promise<UpkeepTurn> {
    const from = this.#standsStill(nowMs) ? this.#seen : undefined
    const { place } = this.#reads
    const values = [this.#nodeId, place, from?.owner ?? null, from?.fence ?? null, from?.counter ?? null]
    const [row] = await this.#reads.rows<ClaimRow>(CLAIM, values, 'pages')
    if (row === undefined) return 'other'
    const [owner, fence, counter, boundMs] = row
    if (nodeOf(owner) !== this.#nodeId) {
      this.#fence = undefined
      this.#see({ owner, fence, counter, boundMs, sinceMs: nowMs })
      return 'other'
    }
    const turn = this.#fence === fence ? 'kept' : 'taken'
    this.#fence = fence
    return turn
  }

  #standsStill(nowMs: number): boolean {
    if (this.#seen === undefined) return false
    return nowMs - this.#seen.sinceMs > leaseMs(this.#seen.boundMs ?? LEFT_MS)
  }

  #see(now: Seen): void {
    const { owner, fence, counter } = this.#seen ?? {}
    if (owner !== now.owner || fence !== now.fence || counter !== now.counter) this.#seen = now
  }
}
