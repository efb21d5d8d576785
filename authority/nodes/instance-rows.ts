import type { RealmOrdinal } from '@rescind/core'

/** What a node publishes about one running verifier that has contacted it. */
export type InstanceRow = {
  readonly realm: RealmOrdinal
  readonly id: string
  /** Another one for each contact at this node, whichever verifier it is of. */
  readonly contacts: number
  /** The last row of the log that it has acknowledged; 0: none. */
  readonly applied: number
  readonly seenMs: number
  /** What else there is to say. Undefined: the node has forgotten it. */
  readonly body: string | undefined
}

/** The same as another node reads it. Of a node that is gone, `node` is undefined. */
export type PublishedInstance = Omit<InstanceRow, 'seenMs' | 'body'> & {
  readonly node: string | undefined
  readonly body: string
  /** Whether the store still has its contact: it has said goodbye, otherwise, or was silent for a day. */
  readonly isRemembered: boolean
}

export type InstancesRead = {
  /** From where the next reading goes on. */
  readonly next: string
  readonly nodes: ReadonlySet<string>
  readonly rows: readonly PublishedInstance[]
}

/** What changed about verifiers at this node and is not confirmed by a heartbeat: the last word about each one. */
export class DueInstances {
  readonly #due: Map<string, InstanceRow> = new Map()
  /** The last word about each one that the node has not forgotten, confirmed or not. */
  readonly #said: Map<string, InstanceRow> = new Map()

  put(row: InstanceRow): void {
    const key = `${row.realm} ${row.id}`
    this.#due.set(key, row)
    if (row.body === undefined) this.#said.delete(key)
    else this.#said.set(key, row)
  }

  /** For a server that took over, which may lack what was confirmed last. */
  get all(): readonly InstanceRow[] {
    return [...this.#said.values()]
  }

  /** For a heartbeat that begins now. */
  get rows(): readonly InstanceRow[] {
    return [...this.#due.values()]
  }

  /** The heartbeat that carried these was committed. */
  confirmed(rows: readonly InstanceRow[]): void {
    for (const row of rows) {
      const key = `${row.realm} ${row.id}`
      if (this.#due.get(key) === row) this.#due.delete(key)
    }
  }
}
