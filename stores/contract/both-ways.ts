import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { KeyedReads, Store } from '@rescind/authority'

const KEYED: Readonly<Record<keyof KeyedReads, true>> = {
  ...{ tokenByDigest: true, tokenByHandle: true, consumption: true, record: true, recordByKey: true },
}

/** A view of a store that makes each keyed look-up both ways and asserts that the answers are equal. */
export function bothWays(store: Store): Store {
  return new Proxy(store, {
    get(target, name): unknown {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...given: unknown[]): unknown => {
        const { keyed } = target
        if (keyed === undefined || !isKeyed(name)) return Reflect.apply(value, target, given)
        const atOnce: unknown = Reflect.apply(keyed[name], keyed, given)
        return equal(name, atOnce, Reflect.apply(value, target, given))
      }
    },
  })
}

function isKeyed(name: string | symbol): name is keyof KeyedReads {
  return typeof name === 'string' && Object.hasOwn(KEYED, name)
}

async function equal(name: string, atOnce: unknown, later: unknown): Promise<unknown> {
  assert.ok(later instanceof Promise, `${name} answers by a promise`)
  const answer: unknown = await later
  assert.ok(isDeepStrictEqual(atOnce, answer), `${name} says the same both ways`)
  return answer
}
