import type { Group, GroupOutcome, Store } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'

export type Failure = {
  /** Commits are counted from 0. */
  readonly commit: number
  /** Whether the commit reached the disk, so that only its answer is lost. */
  readonly isWritten: boolean
  /** `true`: opening the store again helps. `false`: nothing helps, as after the end of the process. */
  readonly isCurable: boolean
}

/** A store that fails at one commit and at all later ones until it is opened again. */
export class FaultyStore {
  readonly store: Store
  readonly #inner: Store
  #failure: Failure | undefined
  #state: 'sound' | 'broken' | 'dead' = 'sound'
  commits = 0

  constructor(inner: Store) {
    this.#inner = inner
    const replaced = new Map<string | symbol, unknown>([
      ['commit', (group: Group) => this.#commit(group)],
      ['reopen', () => this.#reopen()],
    ])
    this.store = new Proxy(inner, {
      get(target, name): unknown {
        const value: unknown = replaced.get(name) ?? Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return (...given: unknown[]): unknown => Reflect.apply(value, target, given)
      },
    })
  }

  fail(failure: Failure): void {
    this.#failure = failure
  }

  /** Ends the failure: opening the store again helps now. */
  cure(): void {
    this.#failure = undefined
    if (this.#state === 'dead') this.#state = 'broken'
  }

  async #commit(group: Group): Promise<GroupOutcome> {
    if (this.#state !== 'sound') throw new StoreUnavailable('the store is broken')
    const at = this.commits
    this.commits += 1
    const failure = this.#failure
    if (failure?.commit !== at) return this.#inner.commit(group)
    if (failure.isWritten) await this.#inner.commit(group)
    this.#state = failure.isCurable ? 'broken' : 'dead'
    throw new StoreUnavailable('the flush failed')
  }

  async #reopen(): Promise<void> {
    if (this.#state === 'dead') throw new StoreUnavailable('the disk is gone')
    await this.#inner.reopen()
    this.#state = 'sound'
  }
}
