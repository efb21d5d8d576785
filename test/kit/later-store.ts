import type { Store } from '@rescind/authority'

/** Most turns of the event loop before a call reaches the store, and again before its answer. */
const TURNS_MAX = 3

/**
 * A store as if behind a network: no keyed reads, and every call reaches it some turns of the event loop later and is
 * answered some turns after that. Other work goes on meanwhile. The seed determines the turns.
 */
export function laterStore(inner: Store, seed = 1): Store {
  let state = seed
  const turns = async (): Promise<void> => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    for (let left = Math.floor((state / 2 ** 32) * (TURNS_MAX + 1)); left > 0; left -= 1) await nextTurn()
  }
  const later: Store = new Proxy(inner, {
    get(target, name): unknown {
      if (name === 'keyed') return undefined
      if (name === 'urgent') return later
      const value: unknown = Reflect.get(target, name, target)
      // Watching is local: it does not ask the store.
      if (typeof value !== 'function') return value
      if (name === 'watch') return value.bind(target) as unknown
      return async (...given: unknown[]): Promise<unknown> => {
        await turns()
        try {
          return await Reflect.apply(value, target, given)
        } finally {
          await turns()
        }
      }
    },
  })
  return later
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
