import type { Nodes, PublishedInstance } from '@rescind/authority'
import type { RealmOrdinal } from '@rescind/core'
import type { Instances, OtherNodes } from './instances.ts'

/** How often the other nodes' word is read while nobody asks. */
const READ_EVERY_MS = 1_000

export type SharedInstancesParts = {
  readonly nodes: Pick<Nodes, 'self' | 'publish' | 'readInstances'>
  readonly instancesOf: (realm: RealmOrdinal) => Instances
}

/** What all nodes know about running verifiers, brought together: each counts once, wherever it connects. */
export class SharedInstances {
  readonly #parts: SharedInstancesParts
  #since: string | undefined
  #there: ReadonlySet<string> = new Set()
  #reading: Promise<boolean> | undefined
  #next: Promise<boolean> | undefined
  readonly #timer: NodeJS.Timeout

  constructor(parts: SharedInstancesParts) {
    this.#parts = parts
    this.#timer = setInterval(() => void this.refresh(), READ_EVERY_MS)
    this.#timer.unref()
  }

  /** For the instances of one realm. */
  othersFor(realm: RealmOrdinal): OtherNodes {
    return {
      publish: (row) => this.#parts.nodes.publish({ ...row, realm }),
      isThere: (node) => this.#there.has(node),
      refresh: () => this.refresh(),
    }
  }

  /**
   * Resolves with true once all that the nodes had published before the call is known here; with false if it cannot be read
   * now. What they tell a verifier that they have not published yet comes from a later look at the log.
   */
  refresh(): Promise<boolean> {
    // One that is under way proves nothing for those who come later. One more serves all of them.
    if (this.#reading === undefined) return this.#begin()
    const begin = (): Promise<boolean> => this.#begin()
    this.#next ??= this.#reading.then(begin, begin)
    return this.#next
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #begin(): Promise<boolean> {
    this.#next = undefined
    this.#reading = this.#read().finally(() => {
      if (this.#next === undefined) this.#reading = undefined
    })
    return this.#reading
  }

  async #read(): Promise<boolean> {
    const { nodes, instancesOf } = this.#parts
    const read = await nodes.readInstances(this.#since)
    if (read === undefined) return false
    this.#since = read.next
    this.#there = read.nodes
    const others = read.rows.filter(({ node }) => node !== nodes.self)
    for (const [realm, rows] of byRealm(others)) instancesOf(realm).noticed(rows)
    return true
  }
}

function byRealm(rows: readonly PublishedInstance[]): ReadonlyMap<RealmOrdinal, PublishedInstance[]> {
  return Map.groupBy(rows, ({ realm }) => realm)
}
