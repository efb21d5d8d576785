import type { Realm, Realms } from '@rescind/authority'
import { isOutage, type RealmOrdinal } from '@rescind/core'
import { decodeRule, rowKindOf } from '@rescind/core/log'

/** One item with a deadline. `endsTokens`: it can only end tokens, so it need not wait for a trusted clock. */
export type Due = { readonly id: string; readonly dueAtMs: number; readonly endsTokens: boolean }

/** One kind of pending item, as the deadlines use it. */
export type Watched = {
  readonly name: string
  /** All open items, however many there are. */
  readonly all: (realm: Realm) => AsyncIterable<Due>
  /** Undefined: it has ended. */
  readonly one: (realm: Realm, id: string) => Promise<Due | undefined>
  /** Does what is due; doing it again changes nothing. @throws StoreUnavailable, Overloaded. */
  readonly settle: (realm: Realm, id: string, nowMs: number) => Promise<void>
}

/**
 * The times up to which items are due. `endingMs`: for items that only end tokens, by the monotonic clock. `otherMs`:
 * for all others; undefined while the wall clock is not trusted.
 */
export type DueTime = { readonly endingMs: number; readonly otherMs: number | undefined }

/** The open items of one kind in one realm, as far as they have been read. */
type Queue = {
  due: Map<string, Due>
  isRead: boolean
  soonestMs: number
  /** Ids whose records were written since they were read. */
  readonly changed: Set<string>
  settling: Promise<void> | undefined
}

/**
 * Carries out pending items when their time comes. The times are in the store, so a restart loses none. The write that
 * carries an item out also ends it, so it happens once.
 */
export class Deadlines {
  readonly #kinds: readonly Watched[]
  readonly #queues: Map<RealmOrdinal, Map<string, Queue>> = new Map()

  constructor({ ledger }: Pick<Realms, 'ledger'>, kinds: readonly Watched[]) {
    this.#kinds = kinds
    const names = new Set(kinds.map(({ name }) => name))
    ledger.onRow((ordinal, row) => {
      if (rowKindOf(row) !== 'change') return
      const rule = decodeRule(row)
      if (rule.kind === 'change' && names.has(rule.collection))
        this.#queues.get(ordinal)?.get(rule.collection)?.changed.add(rule.id)
    })
  }

  /**
   * @returns how many items it carried out. @throws StoreUnavailable, Overloaded or another error of one item, after
   * all other items had their turn; the next round tries the rest.
   */
  async round(realm: Realm, time: DueTime): Promise<number> {
    let done = 0
    const failures: unknown[] = []
    for (const kind of this.#kinds) {
      const queue = await this.#current(realm, kind)
      if (queue.soonestMs > time.endingMs) continue
      for (const { id, endsTokens } of dueOf(queue, time)) {
        const nowMs = endsTokens ? time.endingMs : (time.otherMs ?? Number.NEGATIVE_INFINITY)
        try {
          await kind.settle(realm, id, nowMs)
          done += 1
        } catch (error) {
          failures.push(isOutage(error) ? error : new Error(`${kind.name} ${id} failed`, { cause: error }))
        }
      }
    }
    if (failures.length > 0) throw failures[0]
    return done
  }

  /** Whether a round has nothing to do: all items are known, and none is due. */
  isIdle({ ordinal }: Realm, { endingMs }: DueTime): boolean {
    const queues = this.#queues.get(ordinal)
    return this.#kinds.every(({ name }) => {
      const queue = queues?.get(name)
      return queue?.isRead === true && queue.changed.size === 0 && queue.soonestMs > endingMs
    })
  }

  async #current(realm: Realm, kind: Watched): Promise<Queue> {
    const queue = this.#queueOf(realm, kind)
    // One pass at a time: an older reading of an item must not replace a newer one.
    while (!queue.isRead || queue.changed.size > 0) {
      queue.settling ??= settle(queue, realm, kind).finally(() => {
        queue.settling = undefined
      })
      await queue.settling
    }
    return queue
  }

  #queueOf({ ordinal }: Realm, { name }: Watched): Queue {
    const ofRealm = this.#queues.get(ordinal) ?? new Map<string, Queue>()
    this.#queues.set(ordinal, ofRealm)
    const known = ofRealm.get(name)
    if (known !== undefined) return known
    const made = {
      due: new Map(),
      isRead: false,
      soonestMs: Number.POSITIVE_INFINITY,
      changed: new Set<string>(),
      settling: undefined,
    }
    ofRealm.set(name, made)
    return made
  }
}

/** The soonest first. */
function dueOf({ due }: Queue, { endingMs, otherMs = Number.NEGATIVE_INFINITY }: DueTime): readonly Due[] {
  return [...due.values()]
    .filter(({ dueAtMs, endsTokens }) => dueAtMs <= (endsTokens ? endingMs : otherMs))
    .sort((left, right) => left.dueAtMs - right.dueAtMs)
}

async function settle(queue: Queue, realm: Realm, kind: Watched): Promise<void> {
  if (!queue.isRead) {
    const read = new Map<string, Due>()
    for await (const due of kind.all(realm)) read.set(due.id, due)
    queue.due = read
    queue.isRead = true
  }
  for (const id of [...queue.changed]) {
    // First: what is written while it is read makes it changed again.
    queue.changed.delete(id)
    try {
      const due = await kind.one(realm, id)
      if (due === undefined) queue.due.delete(id)
      else queue.due.set(id, due)
    } catch (error) {
      queue.changed.add(id)
      throw error
    }
  }
  queue.soonestMs = Math.min(...[...queue.due.values()].map(({ dueAtMs }) => dueAtMs))
}
