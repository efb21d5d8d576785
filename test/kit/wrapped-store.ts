import type { KeyedReads, Store } from '@rescind/authority'

export type Around = (name: string, call: () => unknown, given: readonly unknown[]) => unknown

/** A store of which every call goes through `around`, those of its keyed reads too. */
export function wrappedStore(store: Store, around: Around): Store {
  return wrapped(store, around)
}

function wrapped<T extends Store | KeyedReads>(inner: T, around: Around): T {
  return new Proxy(inner, {
    get(target, name): unknown {
      const value: unknown = Reflect.get(target, name, target)
      if (name === 'keyed' && 'keyed' in target)
        return target.keyed === undefined ? undefined : wrapped(target.keyed, around)
      if (typeof value !== 'function') return value
      return (...given: unknown[]): unknown =>
        around(String(name), () => Reflect.apply(value, target, given), given)
    },
  })
}

/** The same store, which from now on answers every look-up by a promise, as a store behind a network does. */
export function withoutKeyed<T extends Store>(store: T): T {
  return Object.defineProperty(store, 'keyed', { value: undefined, configurable: true })
}
