import type { NodesPort, UpkeepTurn } from '@rescind/authority'
import type { Clock } from '@rescind/core'
import type { Setbacks } from '../machine/setbacks.ts'

export type TurnParts = {
  readonly store: { readonly nodes: Pick<NodesPort, 'claimUpkeep' | 'forgetDead'> | undefined }
  readonly clock: Clock
  readonly setbacks: Pick<Setbacks, 'run'>
  /** This process does it from now on; another one may have done it before. */
  readonly taken: () => void
  /** Another process does it now. */
  readonly lost: () => void
}

/** Whether this process does what only one may do at a time. It always does where no other uses the store. */
export class Turn {
  readonly #parts: TurnParts
  #isOurs: boolean

  constructor(parts: TurnParts) {
    this.#parts = parts
    this.#isOurs = parts.store.nodes === undefined
    if (!this.#isOurs) parts.lost()
  }

  get isOurs(): boolean {
    return this.#isOurs
  }

  async take(): Promise<void> {
    if (this.#parts.store.nodes === undefined) return
    const turn = await this.#claim()
    const wasOurs = this.#isOurs
    this.#isOurs = turn !== 'other'
    if (turn === 'taken') this.#parts.taken()
    else if (wasOurs && !this.#isOurs) this.#parts.lost()
  }

  async #claim(): Promise<UpkeepTurn> {
    const { store, clock, setbacks } = this.#parts
    const turns: UpkeepTurn[] = []
    await setbacks.run({ step: 'upkeep' }, async () => {
      const turn = await store.nodes?.claimUpkeep(clock.monotonicMs())
      if (turn !== undefined) turns.push(turn)
      if (turn === 'kept') await store.nodes?.forgetDead(clock.monotonicMs())
    })
    return turns[0] ?? 'other'
  }
}
