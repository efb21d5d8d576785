import type { Answer, Stale } from './answer.ts'

export type ScanBounds = {
  /** Under way at once for one key. */
  readonly perKeyMax: number
  /** For all keys together. */
  readonly max: number
}

/** A list of a large store takes a second or two of one thread: a console, a script and an export of one key fit beside each other. */
const SCAN_BOUNDS: ScanBounds = { perKeyMax: 4, max: 64 }
/** Seconds after which whoever found no room may come back. */
export const SCAN_RETRY_SECONDS = 1

/** Whose a scan is: a key, an app or a user, and the realm that it belongs to; '' is that of keys for all realms. */
export type ScanShare = { readonly realm: string; readonly key: string }

/** Room for reads that look at many records: so much for a key, for a realm no more than is left for others, so much in all. */
export class Scans {
  readonly #bounds: ScanBounds
  readonly #byKey: Map<string, number> = new Map()
  readonly #byRealm: Map<string, number> = new Map()
  #running = 0

  constructor(bounds: ScanBounds = SCAN_BOUNDS) {
    this.#bounds = bounds
  }

  /** Answers, unless there is no room: then undefined. The room is given back when the last of the body is out. */
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

  /** @returns what gives the room back; undefined when there is none. */
  #enter({ realm, key }: ScanShare): (() => void) | undefined {
    const { perKeyMax, max } = this.#bounds
    const own = this.#byKey.get(key) ?? 0
    // So one realm comes to half of the room at most, and whatever others take, there is some left for who has none.
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

/** The same parts; `done` is called after the last one, or when nobody reads on. A generator that never began would not tell. */
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
