import { decodeRule, type Realm, type Realms, rowKindOf } from '@rescind/core'

/** One kind of things that wait, to whoever watches the clock. */
export type Watched = {
  readonly name: string
  readonly due: (realm: Realm) => Promise<readonly Due[]>
  /** Does what is due; doing it a second time finds it done. @throws StoreUnavailable, Overloaded. */
  readonly settle: (realm: Realm, id: string) => Promise<void>
}
type Due = { readonly id: string; readonly dueAtMs: number }

/**
 * Does what was asked for a time when that time has come. The times stand in the store, so a restart forgets none; the
 * unit that does it also ends what waited, so it is done once. Only the floor-guarded clock of the realm counts.
 */
export class Deadlines {
  readonly #realms: Realms
  readonly #kinds: readonly Watched[]
  /** By realm and kind; absent: to be read. */
  readonly #known: Map<string, readonly Due[]> = new Map()

  constructor(realms: Realms, kinds: readonly Watched[]) {
    this.#realms = realms
    this.#kinds = kinds
    const names = new Set(kinds.map(({ name }) => name))
    realms.ledger.onRow((ordinal, row) => {
      if (rowKindOf(row) !== 'change') return
      const rule = decodeRule(row)
      if (rule.kind === 'change' && names.has(rule.collection))
        this.#known.delete(`${ordinal} ${rule.collection}`)
    })
  }

  /** @returns how many things it did. @throws StoreUnavailable, Overloaded: the next round does the rest. */
  async round(): Promise<number> {
    let done = 0
    for (const realm of this.#realms.all()) {
      for (const kind of this.#kinds) {
        for (const { id, dueAtMs } of await this.#due(realm, kind)) {
          if (dueAtMs > realm.nowMs()) continue
          await kind.settle(realm, id)
          done += 1
        }
      }
    }
    return done
  }

  async #due(realm: Realm, kind: Watched): Promise<readonly Due[]> {
    const at = `${realm.ordinal} ${kind.name}`
    const known = this.#known.get(at)
    if (known !== undefined) return known
    const before = realm.index.seq
    const read = await kind.due(realm)
    // What was written while this was read may be missing in it.
    if (realm.index.seq === before) this.#known.set(at, read)
    return read
  }
}
