import type { Store } from '@rescind/authority'

/** Turns of the event loop that a call takes at most, before the store is asked and again before it is told. */
const TURNS_MAX = 3

/**
 * A store as one behind a network is seen: it has no keyed reads, and whatever it is asked, it reads some turns of the
 * event loop later, and answers some turns after that. Others go on meanwhile. How many turns is the seed's to say.
 */
export function laterStore(inner: Store, seed = 1): Store {
  let state = seed
  const turns = async (): Promise<void> => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    for (let left = Math.floor((state / 2 ** 32) * (TURNS_MAX + 1)); left > 0; left -= 1) await nextTurn()
  }
  return new Proxy(inner, {
    get(target, name): unknown {
      if (name === 'keyed') return undefined
      const value: unknown = Reflect.get(target, name, target)
      // How a watch begins and ends is no question of the store.
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
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
