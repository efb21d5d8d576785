import type { Clock, RealmOrdinal } from '@rescind/core'
import type { ChainedLogRow } from '@rescind/core/log'
import type { LogHead } from '../log/writes.ts'
import type { Later } from './heartbeat.ts'
import type { InstanceRow } from './instance-rows.ts'
import type { FoldMarksOf } from './lease.ts'

/** How long the other nodes have to say what they know, before they count as lost. */
export const TESTIMONY_WAIT_MS = 30_000
const PAUSE_MS = 100

/** What a node has last known of a log: its end, its epoch, and how many groups were written to the realm. */
export type KnownHead = LogHead & { readonly ordinal: number; readonly groups: number }

/** What a process knows of the logs that it has folded. */
export type Testimony = {
  readonly heads: ReadonlyMap<RealmOrdinal, Omit<KnownHead, 'groups'>>
  /** The rows after this one that it remembers. */
  readonly rowsAfter: (realm: RealmOrdinal, seq: number) => readonly ChainedLogRow[]
}

/** The same log on the server that took over. `chainAt`: its chain value at the row that the node knows. */
export type FoundHead = {
  readonly seq: number
  readonly groups: number
  readonly chainAt: Buffer | undefined
}

/**
 * The realms of which a server that took over lacks something that this node knows. Groups count, too: a used refresh token
 * and an extension leave no row.
 */
export function lackingIn(
  known: ReadonlyMap<RealmOrdinal, KnownHead>,
  found: ReadonlyMap<RealmOrdinal, FoundHead>,
): readonly RealmOrdinal[] {
  return [...known].flatMap(([realm, head]) => (isContained(head, found.get(realm)) ? [] : [realm]))
}

function isContained({ seq, chain, groups }: KnownHead, found: FoundHead | undefined): boolean {
  if (found === undefined) return seq === 0 && groups === 0
  if (found.seq < seq || found.groups < groups) return false
  return seq === 0 || found.chainAt?.equals(chain) === true
}

/** What is known about the server that took over, read after this node has testified. */
export type Situation = {
  /** The server: its system identifier and timeline. */
  readonly place: string
  /** Groups are written on this timeline already. */
  readonly isSettled: boolean
  /** What this node knows has been joined with a new epoch there. */
  readonly isJoined: boolean
  /** Realms of which this node knows more than the server has, or may do so. */
  readonly ownLacking: readonly RealmOrdinal[]
  /** Realms of which any node does. */
  readonly lacking: readonly RealmOrdinal[]
  /** Nodes that may have acknowledged something, and have not said what they know. */
  readonly silent: readonly string[]
}

export type Decision =
  | { readonly kind: 'wait' }
  /** Nothing is missing: the store is used on this timeline from now on. `isSettled`: another node has said so already. */
  | { readonly kind: 'go-on'; readonly isSettled: boolean }
  /** A new epoch begins in these realms, and everything issued before is lost there. */
  | { readonly kind: 'new-epoch'; readonly realms: readonly RealmOrdinal[] | 'all' }
  /** A new epoch has begun: this process ends, so that nothing that it remembers is used again. */
  | { readonly kind: 'end' }

/** @param waitedMs since this node has testified. */
export function decide(
  { isSettled, isJoined, ownLacking, lacking, silent }: Situation,
  waitedMs: number,
): Decision {
  if (isJoined) return { kind: 'end' }
  if (isSettled)
    return ownLacking.length > 0
      ? { kind: 'new-epoch', realms: ownLacking }
      : { kind: 'go-on', isSettled: true }
  if (silent.length === 0)
    return lacking.length > 0 ? { kind: 'new-epoch', realms: lacking } : { kind: 'go-on', isSettled: false }
  // Nobody knows what a node that is gone has acknowledged last.
  return waitedMs < TESTIMONY_WAIT_MS ? { kind: 'wait' } : { kind: 'new-epoch', realms: 'all' }
}

export type Settling = Extract<Decision, { readonly kind: 'go-on' | 'new-epoch' }>

/** What a store does when another server has taken over from its own. */
export interface TakeoverPort {
  /** Says in the store what this process knows, of verifiers, too, and reads what the others have said. Undefined: not now. */
  testify(testimony: Testimony, instances: readonly InstanceRow[]): Promise<Situation | undefined>
  /** False: whether it was done is not known. */
  settle(decision: Settling, place: string): Promise<boolean>
  /**
   * The store is used on this server from now on. First it writes the fold marks durably, since those of before may be lost.
   * False: the marks may not be there, and nothing has changed.
   */
  goOn(place: string, marks: FoldMarksOf): Promise<boolean>
  /** A new epoch has begun: this process must end. */
  end(): void
}

/** What an operator should hear of. */
export type TakeoverEvent =
  | { readonly kind: 'taken-over' | 'went-on' }
  | { readonly kind: 'new-epoch'; readonly realms: readonly RealmOrdinal[] | 'all' }

export type TakeoverParts = {
  /** Says in the store what this node knows, and reads what the others have said. Undefined: not now. */
  readonly look: () => Promise<Situation | undefined>
  /** False: whether it was done is not known. */
  readonly settle: (decision: Settling, place: string) => Promise<boolean>
  /** The store is used on this server from now on. */
  readonly goOn: (place: string) => Promise<boolean>
  /** A new epoch has begun: this process must end. */
  readonly end: () => void
  readonly told: (event: TakeoverEvent) => void
  readonly clock: Clock
  readonly later: Later
}

/**
 * What a node does when another server has taken over from the one that its store was on. Until it is over, the node answers
 * nothing and acknowledges nothing, because all that it asks the store fails.
 */
export class Takeover {
  readonly #parts: TakeoverParts
  /** Since when this node's testimony stands on a server. */
  #since: { readonly place: string; readonly monotonicMs: number } | undefined
  #isRunning = false
  #isClosed = false
  #cancel: () => void = () => {}

  constructor(parts: TakeoverParts) {
    this.#parts = parts
  }

  /** An answer has come from another server. */
  begin(): void {
    if (this.#isRunning || this.#isClosed) return
    this.#isRunning = true
    this.#parts.told({ kind: 'taken-over' })
    void this.#step()
  }

  close(): void {
    this.#isClosed = true
    this.#cancel()
  }

  /** Never rejects. */
  async #step(): Promise<void> {
    const situation = await this.#parts.look()
    if (this.#isClosed) return
    if (situation !== undefined && (await this.#act(situation))) {
      this.#isRunning = false
      this.#since = undefined
      return
    }
    if (this.#isClosed) return
    this.#cancel = this.#parts.later(PAUSE_MS, () => {
      void this.#step()
    })
  }

  /** @returns whether it is over. */
  async #act(situation: Situation): Promise<boolean> {
    const { settle, goOn, end, told } = this.#parts
    const { place } = situation
    const decision = decide(situation, this.#waitedMs(place))
    switch (decision.kind) {
      case 'wait':
        return false
      case 'end':
        end()
        return true
      case 'go-on':
        if (!decision.isSettled && !(await settle(decision, place))) return false
        if (!(await goOn(place))) return false
        told({ kind: 'went-on' })
        return true
      case 'new-epoch':
        // The next look shows whether it has begun.
        if (await settle(decision, place)) told(decision)
        return false
    }
  }

  #waitedMs(place: string): number {
    const nowMs = this.#parts.clock.monotonicMs()
    if (this.#since?.place !== place) this.#since = { place, monotonicMs: nowMs }
    return nowMs - this.#since.monotonicMs
  }
}
