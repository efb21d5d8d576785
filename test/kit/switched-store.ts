import type { Group, GroupOutcome, Store } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'
import { wrappedStore } from './wrapped-store.ts'

/** Controls and counters of a test's store. */
export type StoreSwitch = {
  /** `down`: every call is an outage. `broken`: every call fails like a bug of ours. */
  mode: 'up' | 'down' | 'broken'
  /** Operations committed so far; unchanged means that nothing was written. */
  readonly writes: number
  /** Groups committed so far, including empty ones; each is a flush. */
  readonly flushes: number
}

export type SwitchedStore = { readonly store: Store; readonly power: StoreSwitch }

/** A store that can be taken down, and that counts its writes. */
export function switchedStore(inner: Store): SwitchedStore {
  const power: { mode: StoreSwitch['mode']; writes: number; flushes: number } = {
    mode: 'up',
    writes: 0,
    flushes: 0,
  }
  const counted = async (group: Group, commit: () => unknown): Promise<unknown> => {
    power.flushes += 1
    const answer = (await commit()) as GroupOutcome
    group.writes.forEach((write, at) => {
      if (answer.outcomes[at]?.kind === 'applied') power.writes += write.operations.length
    })
    return answer
  }
  const store = wrappedStore(inner, (name, call, [first]) => {
    if (name !== 'close') refuseBy(power.mode)
    return name === 'commit' ? counted(first as Group, call) : call()
  })
  return { store, power }
}

function refuseBy(mode: StoreSwitch['mode']): void {
  if (mode === 'down') throw new StoreUnavailable('the store is down')
  if (mode === 'broken') throw new TypeError('the store is broken')
}
