import type { KeyedReads, Store, TokenReads } from '@rescind/authority'

export type Around = (name: string, call: () => unknown, given: readonly unknown[]) => unknown

/** A store whose calls, including keyed reads, all go through `around`. */
export function wrappedStore(store: Store, around: Around): Store {
  return wrapped(store, around)
}

function wrapped<T extends Store | KeyedReads | TokenReads>(inner: T, around: Around): T {
  return new Proxy(inner, {
    get(target, name): unknown {
      const value: unknown = Reflect.get(target, name, target)
      if (name === 'keyed' && 'keyed' in target)
        return target.keyed === undefined ? undefined : wrapped(target.keyed, around)
      if (name === 'urgent' && 'urgent' in target) return wrapped(target.urgent, around)
      if (typeof value !== 'function') return value
      return (...given: unknown[]): unknown =>
        around(String(name), () => Reflect.apply(value, target, given), given)
    },
  })
}

/** Makes a store answer every look-up by a promise, like a store behind a network. */
export function withoutKeyed<T extends Store>(store: T): T {
  return Object.defineProperty(store, 'keyed', { value: undefined, configurable: true })
}
