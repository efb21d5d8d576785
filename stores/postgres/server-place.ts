/** Which server a store is on: its system identifier and the timeline that it writes, as `place_1` says them. */
export type Place = string

/** The error code for an answer of another server; its detail says which. */
export const ELSEWHERE = 'RS004'
/** For a start, which has looked at the server before. */
export const OTHER_SERVER = 'another PostgreSQL server answers than a moment ago: start again'

/** @returns undefined for text that names no server. */
export function timelineOf(place: Place): { readonly system: string; readonly timeline: number } | undefined {
  const [system = '', hex = ''] = place.split('/')
  return /^\d+$/.test(system) && /^[0-9A-F]{8}$/.test(hex)
    ? { system, timeline: Number.parseInt(hex, 16) }
    : undefined
}

/** Whether this is a server that took over from the other: the same system, on a later timeline. */
export function isSuccessor(place: Place, before: Place): boolean {
  const [one, other] = [timelineOf(place), timelineOf(before)]
  return (
    one !== undefined && other !== undefined && one.system === other.system && one.timeline > other.timeline
  )
}

/**
 * The server that this process's store is on. All that ask the server compare their answers with it. Once an answer has come
 * from a successor there is none, until what the successor has is known: nothing is taken from either meanwhile.
 */
export class ServerPlace {
  #last: Place
  #isTakenOver = false
  #onTakenOver: () => void = () => {}
  readonly #onMoved: (() => void)[] = []

  constructor(place: Place) {
    this.#last = place
  }

  /** Undefined while a successor is being looked at. */
  get now(): Place | undefined {
    return this.#isTakenOver ? undefined : this.#last
  }

  /** The server from before, while a successor is being looked at. */
  get last(): Place {
    return this.#last
  }

  /** Called when an answer has come from a successor. */
  onTakenOver(listener: () => void): void {
    this.#onTakenOver = listener
  }

  /** Called when connections to the server from before are of no use any more. */
  onMoved(listener: () => void): void {
    this.#onMoved.push(listener)
  }

  /** An answer has come from this server. An old primary, or another system, is only refused. */
  found(place: Place): void {
    if (this.#isTakenOver || !isSuccessor(place, this.#last)) return
    this.#isTakenOver = true
    for (const moved of this.#onMoved) moved()
    this.#onTakenOver()
  }

  /** The store is used on this server from now on. */
  goOn(place: Place): void {
    this.#last = place
    this.#isTakenOver = false
  }
}
