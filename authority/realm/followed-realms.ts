import { isOutage, type RealmOrdinal } from '@rescind/core'
import type { Ledger } from '../log/ledger.ts'
import type { Realm } from './realm.ts'
import { realmChange } from './realm-change.ts'
import { SYSTEM_ORDINAL } from './realm-record.ts'
import { Unsettled } from './unsettled.ts'

export type FollowedParts = {
  readonly ledger: Ledger
  /** The open realm with this number. */
  readonly openOf: (ordinal: RealmOrdinal) => Realm | undefined
  readonly openNamed: (name: string) => Realm | undefined
  /** Reads a realm's record and settings again. @returns it, if it is open. @throws StoreUnavailable. */
  readonly read: (name: string) => Promise<Realm | undefined>
  /** The log of a realm that is not open has moved up to here. */
  readonly stirred: (ordinal: RealmOrdinal, seq: number) => void
}

/**
 * What other processes change about realms. A row says what has to be read again. That is done at once; requests to the realm
 * wait for it, and the row does not count as folded before.
 */
export class FollowedRealms {
  readonly #parts: FollowedParts
  readonly #unsettled: Unsettled<string> = new Unsettled(
    (name) => this.#read(name),
    (name) => this.#tellFolded(name),
  )
  readonly #closed: ((realm: Realm) => void)[] = []

  constructor(parts: FollowedParts) {
    this.#parts = parts
  }

  /** Call it once `system` is open. */
  begin(): void {
    const { ledger, openOf, stirred } = this.#parts
    ledger.follow({
      isSettled: (ordinal) => this.#isSettled(ordinal),
      settle: (ordinal) => this.#settle(ordinal),
      stirred,
    })
    ledger.onRow((ordinal, row) => {
      const changed = realmChange(ordinal, row)
      const name = typeof changed === 'number' ? openOf(changed)?.name : changed
      if (name !== undefined) this.again(name)
    })
  }

  /** This realm has to be read again. */
  again(name: string): void {
    this.#unsettled.changed(name)
    void this.#settleSoon(name)
  }

  /** Called when another process has closed a realm. */
  onClosed(listener: (realm: Realm) => void): void {
    this.#closed.push(listener)
  }

  has(name: string): boolean {
    return this.#unsettled.has(name)
  }

  /** Resolves once this realm is as other processes have left it. @throws StoreUnavailable. */
  settled(name: string): Promise<void> {
    return this.#unsettled.settle(name)
  }

  async #read(name: string): Promise<void> {
    const realm = await this.#parts.read(name)
    if (realm?.isClosed === true) for (const closed of this.#closed) closed(realm)
  }

  /** Rows in `system` may be about any realm. */
  #isSettled(ordinal: RealmOrdinal): boolean {
    if (this.#unsettled.isEmpty) return true
    const name = this.#parts.openOf(ordinal)?.name
    return ordinal !== SYSTEM_ORDINAL && (name === undefined || !this.#unsettled.has(name))
  }

  async #settle(ordinal: RealmOrdinal): Promise<void> {
    if (ordinal === SYSTEM_ORDINAL) return this.#unsettled.settleAll()
    const name = this.#parts.openOf(ordinal)?.name
    if (name !== undefined) await this.#unsettled.settle(name)
  }

  async #settleSoon(name: string): Promise<void> {
    try {
      await this.#unsettled.settle(name)
    } catch (error) {
      // The next heartbeat, and the next who needs this realm, read it again.
      if (!isOutage(error)) throw error
    }
  }

  #tellFolded(name: string): void {
    const { ledger, openNamed } = this.#parts
    ledger.settled(SYSTEM_ORDINAL)
    const own = openNamed(name)
    if (own !== undefined) ledger.settled(own.ordinal)
  }
}
