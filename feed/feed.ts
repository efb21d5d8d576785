import type { Caller, Realm, Realms, Sink } from '@rescind/authority'
import { type Clock, isOutage, type RealmOrdinal, StoreUnavailable } from '@rescind/core'
import { type Checkpoint, ROW_KINDS, rowKindOf } from '@rescind/core/log'
import { hadContacts, readContacts } from './contacts.ts'
import type { Follower } from './followers.ts'
import { Forks } from './forks.ts'
import { type InstanceCounts, Instances } from './instances.ts'
import { RealmFeed } from './realm-feed.ts'
import { SharedInstances } from './shared-instances.ts'
import { SENDING_MAX, SENDING_QUEUE_MAX, Turnstile } from './snapshots.ts'
import { Turns } from './turns.ts'

const PULSE_MS = 15_000

export type FeedParts = {
  readonly realms: Realms
  readonly clock: Clock
  /** Called when a log is proved to be rolled back. The proof cannot be forged, so it does not matter who brings it. */
  readonly alarm: (realm: Realm, checkpoint: Checkpoint) => void
  /** Told, in milliseconds, how long a row took from its commit to the acknowledgement of a verifier. */
  readonly propagated?: ((ms: number) => void) | undefined
}

/** Carries every realm's log to verifiers that judge tokens elsewhere. */
export class Feed {
  readonly turnstile: Turnstile = new Turnstile(SENDING_MAX, SENDING_QUEUE_MAX)
  readonly questions: Turns = new Turns()
  readonly #parts: FeedParts
  readonly #forks: Forks
  readonly #byRealm: Map<RealmOrdinal, RealmFeed> = new Map()
  /** Also of realms that are not open here. */
  readonly #instances: Map<RealmOrdinal, Instances> = new Map()
  /** Of a shared store. */
  readonly #shared: SharedInstances | undefined
  readonly #timer: NodeJS.Timeout

  private constructor(parts: FeedParts) {
    this.#parts = parts
    this.#forks = new Forks(parts.realms, parts.alarm)
    const { ledger, system, nodes } = parts.realms
    const instancesOf = (realm: RealmOrdinal): Instances => this.#instancesOf(realm)
    this.#shared = nodes === undefined ? undefined : new SharedInstances({ nodes, instancesOf })
    ledger.onGroup({
      published: (publication) => this.#byRealm.get(publication.realm)?.published(publication),
      lost: (realm) => this.#byRealm.get(realm)?.lost(),
    })
    ledger.onRow((realm, row) => {
      const kind = rowKindOf(row)
      if (kind === 'epoch') this.#epochBegan(realm, () => this.#forks.ended(this.#realmOf(realm), row))
      if (realm !== system.ordinal) return
      if (ROW_KINDS[kind].turnsVerdicts) this.#disconnectRevoked()
      // A change of its record disables or deletes a realm.
      if (kind === 'change') for (const one of this.#byRealm.values()) one.disconnectIfClosed()
    })
    parts.realms.onClosed(({ ordinal }) => this.#byRealm.get(ordinal)?.disconnectIfClosed())
    this.#timer = setInterval(() => this.#pulse(), PULSE_MS)
    this.#timer.unref()
  }

  /** @throws StoreUnavailable when the earlier contacts cannot be read. */
  static async open(parts: FeedParts): Promise<Feed> {
    const feed = new Feed(parts)
    await feed.#openKnown()
    for (const realm of parts.realms.all()) {
      await feed.#forks.recall(realm)
      const contacts = await readContacts(realm)
      for (const contact of contacts) feed.of(realm).instances.recall(contact, realm.index.seq)
    }
    return feed
  }

  /** Opens dormant realms that had a reader, or whose log was proved to be rolled back. */
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
    const { clock, realms, propagated } = this.#parts
    const made = new RealmFeed(realm, {
      clock,
      propagated,
      instances: this.#instancesOf(realm.ordinal),
      nodes: realms.nodes,
    })
    this.#byRealm.set(realm.ordinal, made)
    return made
  }

  /** Resolves once the instances here are those of all nodes, with what these had said before the call. @throws StoreUnavailable. */
  async refresh(): Promise<void> {
    if (this.#shared !== undefined && !(await this.#shared.refresh()))
      throw new StoreUnavailable('what the other nodes say about verifiers could not be read')
  }

  /**
   * A place for a stream about this realm that is not made of the log's rows. It ends as the log's readers do: with its key,
   * its realm, or the server. @returns undefined when there are too many.
   */
  follow(realm: Realm, caller: Caller, begin: (sink: Sink) => Follower): ((sink: Sink) => void) | undefined {
    const attach = this.of(realm).followers.take(caller, begin)
    if (attach === undefined) return undefined
    return (sink) => {
      const follower = attach(sink)
      // Either may have ended since the request was let in.
      if (this.#isOver(caller)) follower.disconnect('key')
      else if (realm.isClosed) follower.disconnect('realm')
    }
  }

  #instancesOf(realm: RealmOrdinal): Instances {
    const known = this.#instances.get(realm)
    if (known !== undefined) return known
    const made = new Instances(this.#parts.clock, this.#shared?.othersFor(realm))
    this.#instances.set(realm, made)
    return made
  }

  /** Call when a log is proved to be rolled back: the realm stops acknowledging. @throws StoreUnavailable, Overloaded. */
  forked(realm: Realm, checkpoint: Checkpoint): Promise<void> {
    return this.#forks.proved(realm, checkpoint)
  }

  get readers(): number {
    let total = 0
    for (const { readers } of this.#byRealm.values()) total += readers
    return total
  }

  /** How the verifiers of all realms that are open here stand to the end of their logs. */
  instanceCounts(): InstanceCounts {
    const total = { applied: 0, behind: 0, lapsed: 0 }
    for (const { instanceCounts } of this.#byRealm.values()) {
      total.applied += instanceCounts.applied
      total.behind += instanceCounts.behind
      total.lapsed += instanceCounts.lapsed
    }
    return total
  }

  /** Disconnects every reader; they return once there is a server again. */
  close(): void {
    clearInterval(this.#timer)
    this.#shared?.close()
    for (const one of this.#byRealm.values()) one.disconnectWhere('stopping', () => true)
  }

  #pulse(): void {
    for (const one of this.#byRealm.values()) one.pulse()
    if (this.#shared !== undefined) for (const one of this.#instances.values()) one.tidy()
  }

  /** A revocation or hold in the system realm may concern the key that a stream was opened with. */
  #disconnectRevoked(): void {
    for (const one of this.#byRealm.values()) one.disconnectWhere('key', (caller) => this.#isOver(caller))
  }

  #isOver({ dependency }: Caller): boolean {
    return this.#parts.realms.system.judge(dependency.facts).kind !== 'active'
  }

  #realmOf(ordinal: RealmOrdinal): Realm {
    const { realms } = this.#parts
    return realms.all().find((realm) => realm.ordinal === ordinal) ?? realms.system
  }

  /** Does not wait: listeners run within a flush, which cannot wait for another one. */
  #epochBegan(ordinal: RealmOrdinal, ended: () => Promise<void>): void {
    if (!this.#parts.realms.all().some((realm) => realm.ordinal === ordinal)) return
    ended().catch((error: unknown) => {
      // The next start then still treats the log as rolled back, and reports it.
      if (!isOutage(error)) throw error
    })
  }
}
