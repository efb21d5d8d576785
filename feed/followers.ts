import type { Caller, Sink } from '@rescind/authority'
import type { ResetWhy } from './frames.ts'

/** Maximum streams of one realm that follow something else than its log, such as one receipt. */
export const FOLLOWERS_MAX = 40
/** Maximum of these for one key. */
export const FOLLOWERS_PER_KEY_MAX = 10

/** A stream that is not made of the log's rows. */
export type Follower = {
  readonly disconnect: (why: ResetWhy) => void
  /** Keeps proxies from closing it while it is idle. */
  readonly pulse: () => void
}

type Place = { readonly caller: Caller; follower: Follower | undefined }

/** The followers of a realm: few, because each of them looks at all instances again and again. */
export class Followers {
  readonly #taken: Set<Place> = new Set()

  get size(): number {
    return this.#taken.size
  }

  /** @returns undefined when the key or the realm has too many. */
  take(caller: Caller, begin: (sink: Sink) => Follower): ((sink: Sink) => Follower) | undefined {
    let own = 0
    for (const one of this.#taken) if (one.caller.id === caller.id) own += 1
    if (own >= FOLLOWERS_PER_KEY_MAX || this.#taken.size >= FOLLOWERS_MAX) return undefined
    const place: Place = { caller, follower: undefined }
    this.#taken.add(place)
    return (sink) => {
      sink.onClose(() => this.#taken.delete(place))
      place.follower = begin(sink)
      return place.follower
    }
  }

  pulse(): void {
    for (const { follower } of this.#taken) follower?.pulse()
  }

  disconnectWhere(why: ResetWhy, isOver: (caller: Caller) => boolean): void {
    for (const { caller, follower } of [...this.#taken]) if (isOver(caller)) follower?.disconnect(why)
  }
}
