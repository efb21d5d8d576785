import type { Caller, Realm, Realms } from '@rescind/authority'
import { type Clock, isOutage, type RealmOrdinal } from '@rescind/core'
import { type Checkpoint, ROW_KINDS, rowKindOf } from '@rescind/core/log'
import { hadContacts, readContacts } from './contacts.ts'
import { Forks } from './forks.ts'
import { RealmFeed } from './realm-feed.ts'
import { SENDING_MAX, SENDING_QUEUE_MAX, Turnstile } from './snapshots.ts'
import { Turns } from './turns.ts'

const PULSE_MS = 15_000

export type FeedParts = {
  readonly realms: Realms
  readonly clock: Clock
  /** A log was proved to have been rolled back: by whom does not matter, the proof cannot be made up. */
  readonly alarm: (realm: Realm, checkpoint: Checkpoint) => void
}

/** The voice: every realm's log, carried to those who judge tokens elsewhere. */
export class Feed {
  readonly turnstile: Turnstile = new Turnstile(SENDING_MAX, SENDING_QUEUE_MAX)
  readonly questions: Turns = new Turns()
  readonly #parts: FeedParts
  readonly #forks: Forks
  readonly #byRealm: Map<RealmOrdinal, RealmFeed> = new Map()
  readonly #timer: NodeJS.Timeout

  private constructor(parts: FeedParts) {
    this.#parts = parts
    this.#forks = new Forks(parts.realms, parts.alarm)
    const { ledger, system } = parts.realms
    ledger.onGroup({
      published: (publication) => this.#byRealm.get(publication.realm)?.published(publication),
      lost: (realm) => this.#byRealm.get(realm)?.lost(),
    })
    ledger.onRow((realm, row) => {
      const kind = rowKindOf(row)
      if (kind === 'epoch') this.#epochBegan(realm, () => this.#forks.ended(this.#realmOf(realm), row))
      if (realm !== system.ordinal) return
      if (ROW_KINDS[kind].turnsVerdicts) this.#disconnectRevoked()
      // A realm is disabled or deleted by a change of its record.
      if (kind === 'change') for (const one of this.#byRealm.values()) one.disconnectIfClosed()
    })
    this.#timer = setInterval(() => this.#pulse(), PULSE_MS)
    this.#timer.unref()
  }

  /** @throws StoreUnavailable when who was connected before cannot be read. */
  static async open(parts: FeedParts): Promise<Feed> {
    const feed = new Feed(parts)
    await feed.#openKnown()
    for (const realm of parts.realms.all()) {
      await feed.#forks.recall(realm)
      const contacts = await readContacts(realm)
      for (const contact of contacts) feed.of(realm).instances.recall(contact)
    }
    return feed
  }

  /** Realms in which nothing was ever written are open nevertheless if somebody has followed them, or proved them wrong. */
  async #openKnown(): Promise<void> {
    const { realms } = this.#parts
    const forked = await this.#forks.names()
    for (const { name, ordinal } of realms.dormant()) {
      if (forked.has(name) || (await hadContacts(realms.system.store, ordinal)))
        await realms.ofOrdinal(ordinal)
    }
  }

  of(realm: Realm): RealmFeed {
    const known = this.#byRealm.get(realm.ordinal)
    if (known !== undefined) return known
    const made = new RealmFeed(realm, this.#parts.clock)
    this.#byRealm.set(realm.ordinal, made)
    return made
  }

  /** This log was rolled back: nothing more is acknowledged in it. @throws StoreUnavailable, Overloaded. */
  forked(realm: Realm, checkpoint: Checkpoint): Promise<void> {
    return this.#forks.proved(realm, checkpoint)
  }

  get readers(): number {
    let total = 0
    for (const { readers } of this.#byRealm.values()) total += readers
    return total
  }

  /** Sends every reader away; they come back when there is a server again. */
  close(): void {
    clearInterval(this.#timer)
    for (const one of this.#byRealm.values()) one.disconnectWhere('stopping', () => true)
  }

  #pulse(): void {
    for (const one of this.#byRealm.values()) one.pulse()
  }

  /** Something in the system realm was revoked or held: it may have been the key that a stream was opened with. */
  #disconnectRevoked(): void {
    const { system } = this.#parts.realms
    const isOver = ({ dependency }: Caller): boolean => system.judge(dependency.facts).kind !== 'active'
    for (const one of this.#byRealm.values()) one.disconnectWhere('key', isOver)
  }

  #realmOf(ordinal: RealmOrdinal): Realm {
    const { realms } = this.#parts
    return realms.all().find((realm) => realm.ordinal === ordinal) ?? realms.system
  }

  /** Listeners are told in the middle of a flush, which cannot wait for another one. */
  #epochBegan(ordinal: RealmOrdinal, ended: () => Promise<void>): void {
    if (!this.#parts.realms.all().some((realm) => realm.ordinal === ordinal)) return
    ended().catch((error: unknown) => {
      // Then the next start takes the log for rolled back still, and says so.
      if (!isOutage(error)) throw error
    })
  }
}
