import {
  commitOwn,
  EXPIRING_KINDS,
  type ExpiringKind,
  type Realm,
  type Realms,
  readObject,
  shaped,
} from '@rescind/authority'
import { LAST_INSTANT_MS, type RealmOrdinal } from '@rescind/core'
import { type Checkpoint, type LogRow, rowKindOf } from '@rescind/core/log'

/** Kind of the expiring entries in the system realm that name the logs proved to be rolled back. */
export const FORK_KIND: ExpiringKind = EXPIRING_KINDS.fork

const IS_CHECKPOINT = shaped({ ordinal: 'number', epochId: 'text', seq: 'number', chain: 'text' })
const UNKNOWN_CHECKPOINT: Checkpoint = { ordinal: 0, epochId: '', seq: 0, chain: '' }

/**
 * Logs known to be rolled back. The proof is stored in the system realm, so that it survives a restart; a new epoch ends it.
 */
export class Forks {
  readonly #realms: Realms
  /** Forks whose proof is stored, and known to every node. */
  readonly #proved: Set<RealmOrdinal> = new Set()
  readonly #alarm: (realm: Realm, checkpoint: Checkpoint) => void

  constructor(realms: Realms, alarm: (realm: Realm, checkpoint: Checkpoint) => void) {
    this.#realms = realms
    this.#alarm = alarm
  }

  /** Names of realms with a stored proof. @throws StoreUnavailable. */
  async names(): Promise<ReadonlySet<string>> {
    const { store, ordinal } = this.#realms.system
    const names = new Set<string>()
    for (let after: string | undefined, isFirst = true; isFirst || after !== undefined; isFirst = false) {
      const page = await store.expiringPage(ordinal, { kind: FORK_KIND, after, limit: 1_000 })
      for (const { id } of page.entries) names.add(id)
      after = page.next
    }
    return names
  }

  /** @throws StoreUnavailable when it cannot be known. */
  async recall(realm: Realm): Promise<void> {
    const { system, ledger } = this.#realms
    const entry = await system.store.expiring(system.ordinal, { kind: FORK_KIND, id: realm.name })
    if (entry === undefined) return
    ledger.suspend(realm.ordinal)
    await system.store.markForked?.(realm.ordinal)
    this.#proved.add(realm.ordinal)
    // An unreadable proof still counts; only its checkpoint is unknown.
    const checkpoint = readObject(entry.value)
    this.#alarm(
      realm,
      checkpoint !== undefined && IS_CHECKPOINT(checkpoint) ? (checkpoint as Checkpoint) : UNKNOWN_CHECKPOINT,
    )
  }

  /** A caller presented a checkpoint that only a later or another history of this log can have issued. */
  async proved(realm: Realm, checkpoint: Checkpoint): Promise<void> {
    const { system, ledger } = this.#realms
    if (this.#proved.has(realm.ordinal)) return
    const isNews = !ledger.isSuspended(realm.ordinal)
    ledger.suspend(realm.ordinal)
    if (isNews) this.#alarm(realm, checkpoint)
    const value = Buffer.from(JSON.stringify(checkpoint), 'utf8')
    const entry = { kind: FORK_KIND, id: realm.name, value, expiresAtMs: LAST_INSTANT_MS }
    await commitOwn(system, [{ kind: 'put-expiring', entry }])
    await system.store.markForked?.(realm.ordinal)
    this.#proved.add(realm.ordinal)
  }

  /** A new epoch has begun. @throws StoreUnavailable, Overloaded. */
  async ended(realm: Realm, row: LogRow): Promise<void> {
    if (rowKindOf(row) !== 'epoch') return
    this.#proved.delete(realm.ordinal)
    await commitOwn(this.#realms.system, [
      { kind: 'drop-expiring', entry: { kind: FORK_KIND, id: realm.name } },
    ])
  }
}
