import type { Awaitable } from '@rescind/core'
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

/** Room for reads that look at many records: so much for a key, so much in all. */
export class Scans {
  readonly #bounds: ScanBounds
  readonly #byKey: Map<string, number> = new Map()
  #running = 0

  constructor(bounds: ScanBounds = SCAN_BOUNDS) {
    this.#bounds = bounds
  }

  /** Answers, unless there is no room: then undefined. The room is given back when the last of the body is out. */
  async run(key: string, act: () => Awaitable<Answer | Stale>): Promise<Answer | Stale | undefined> {
    const leave = this.#enter(key)
    if (leave === undefined) return undefined
    let answer: Answer | Stale
    try {
      answer = await act()
    } catch (error) {
      leave()
      throw error
    }
    if (answer === 'stale' || typeof answer.body === 'string' || !(Symbol.asyncIterator in answer.body)) {
      leave()
      return answer
    }
    return { ...answer, body: untilRead(answer.body, leave) }
  }

  /** @returns what gives the room back; undefined when there is none. */
  #enter(key: string): (() => void) | undefined {
    const own = this.#byKey.get(key) ?? 0
    const { perKeyMax, max } = this.#bounds
    if (own >= perKeyMax || this.#running >= max) return undefined
    this.#byKey.set(key, own + 1)
    this.#running += 1
    let left = false
    return () => {
      if (left) return
      left = true
      this.#running -= 1
      const others = (this.#byKey.get(key) ?? 1) - 1
      if (others === 0) this.#byKey.delete(key)
      else this.#byKey.set(key, others)
    }
  }
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
