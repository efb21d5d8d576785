import type { Answer, Stale } from './answer.ts'

export type ScanBounds = {
  /** Scans that one key may run at once. */
  readonly perKeyMax: number
  /** Scans of all keys at once. */
  readonly max: number
}

/**
 * Listing a large store keeps a thread busy for a second or two. Four let a console, a script and an export share one
 * key.
 */
const SCAN_BOUNDS: ScanBounds = { perKeyMax: 4, max: 64 }
/** Seconds after which a refused caller may retry. */
export const SCAN_RETRY_SECONDS = 1

/** Who a scan counts for: a key, an app or a user, and its realm. The realm is '' for keys of all realms. */
export type ScanShare = { readonly realm: string; readonly key: string }

/** Limits the scans under way: per key, per realm (at most as many as it leaves free), and in all. */
export class Scans {
  readonly #bounds: ScanBounds
  readonly #byKey: Map<string, number> = new Map()
  readonly #byRealm: Map<string, number> = new Map()
  #running = 0

  constructor(bounds: ScanBounds = SCAN_BOUNDS) {
    this.#bounds = bounds
  }

  /** Runs `act` if there is room, else returns undefined. A streamed answer keeps its room until its body ends. */
  async run<A extends Answer | Stale>(
    share: ScanShare,
    act: () => A | Promise<A>,
  ): Promise<A | Answer | undefined> {
    const leave = this.#enter(share)
    if (leave === undefined) return undefined
    let answer: A
    try {
      answer = await act()
    } catch (error) {
      leave()
      throw error
    }
    const given: Answer | Stale = answer
    if (given === 'stale' || typeof given.body === 'string' || !(Symbol.asyncIterator in given.body)) {
      leave()
      return answer
    }
    return { ...given, body: untilRead(given.body, leave) }
  }

  /** @returns a function that gives the room back; undefined when there is none. */
  #enter({ realm, key }: ScanShare): (() => void) | undefined {
    const { perKeyMax, max } = this.#bounds
    const own = this.#byKey.get(key) ?? 0
    // A realm may take at most half, and always leaves room for realms that have none.
    const left = max - this.#running
    if (own >= perKeyMax || (this.#byRealm.get(realm) ?? 0) >= left) return undefined
    this.#running += 1
    add(this.#byKey, key, 1)
    add(this.#byRealm, realm, 1)
    let hasLeft = false
    return () => {
      if (hasLeft) return
      hasLeft = true
      this.#running -= 1
      add(this.#byKey, key, -1)
      add(this.#byRealm, realm, -1)
    }
  }
}

function add(counts: Map<string, number>, name: string, by: number): void {
  const count = (counts.get(name) ?? 0) + by
  if (count === 0) counts.delete(name)
  else counts.set(name, count)
}

/**
 * Passes the parts on and calls `done` at the end, at a failure, or when the reader stops.
 * Not a generator, because one that is never started does not run its `finally`.
 */
function untilRead(body: AsyncIterable<string>, done: () => void): AsyncIterable<string> {
  return {
    [Symbol.asyncIterator]: () => {
      const parts = body[Symbol.asyncIterator]()
      return {
        next: async () => {
          try {
            const next = await parts.next()
            if (next.done === true) done()
            return next
          } catch (error) {
            done()
            throw error
          }
        },
        return: async (value) => {
          done()
          return (await parts.return?.(value)) ?? { done: true, value: undefined }
        },
      }
    },
  }
}
