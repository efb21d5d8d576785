import type { Caller, Nodes, Publication, Realm, Sink } from '@rescind/authority'
import type { Clock } from '@rescind/core'
import type { Checkpoint } from '@rescind/core/log'
import { Channel, type LiveReader } from './channel.ts'
import { Checkpoints, type Presented } from './checkpoints.ts'
import { CommitTimes } from './commit-times.ts'
import type { Contact, StalePolicy } from './contact.ts'
import { dropContact, RENEW_MS, readContact, writeContact } from './contacts.ts'
import { Followers } from './followers.ts'
import { type Format, Frame, type Hello, helloText, type ResetWhy } from './frames.ts'
import type { InstanceCounts, Instances } from './instances.ts'
import { Reader } from './reader.ts'
import { type Seat, Seats } from './seats.ts'
import { Snapshots } from './snapshots.ts'

/** Least time between two acknowledgements of one instance, when there are few. */
const ACK_EVERY_MIN_MS = 20
/** Per stream, so that all together acknowledge at most about four hundred times a second. */
const ACK_EVERY_PER_STREAM_MS = 2.5

/** Accepted tokens that one acknowledgement may name. */
export const ACCEPTED_MAX = 1_000

/** The caller: a verifier's key. */
export type FeedCaller = { readonly id: string; readonly caller: Caller }

export type ConnectAsk = FeedCaller & {
  readonly after: string | undefined
  /** Absent for a plain reader. */
  readonly boundMs: number | undefined
  readonly onStale: StalePolicy
  /** The id that a returning instance was given before. */
  readonly instance: string | undefined
  /** The operator's name for it, such as its host name. */
  readonly label: string | undefined
  readonly format: Format
}

export type Refused = { readonly kind: 'forged' } | { readonly kind: 'fork'; readonly checkpoint: Checkpoint }
export type Connected =
  | { readonly kind: 'open'; readonly attach: (sink: Sink) => void }
  | { readonly kind: 'stale' }
  | { readonly kind: 'full' }
  | Refused

export type AckAsk = FeedCaller & {
  readonly instance: string
  readonly position: string
  readonly boundMs: number
  /** It says which tokens it accepted. */
  readonly reports?: boolean
  /** It stops, and judges nothing any more. */
  readonly leaving: boolean
}
export type Acked =
  | { readonly kind: 'acked'; readonly position: string; readonly chain: string; readonly floor: number }
  | { readonly kind: 'no-instance' }
  | { readonly kind: 'stale' }
  | Refused

export type Polled =
  | {
      readonly kind: 'events'
      readonly events: readonly string[]
      readonly position: string
      readonly floor: number
    }
  | { readonly kind: 'reset'; readonly position: string; readonly floor: number }
  | { readonly kind: 'full' }
  | Refused

type Stream = { readonly reader: Reader; readonly caller: Caller }

export type RealmFeedParts = {
  readonly clock: Clock
  readonly instances: Instances
  readonly propagated?: ((ms: number) => void) | undefined
  /** Of a shared store. */
  readonly nodes: Pick<Nodes, 'asOfNow'> | undefined
}

/** One realm's feed: its channel, its snapshots, and its readers. */
export class RealmFeed {
  readonly instances: Instances
  readonly snapshots: Snapshots
  readonly followers: Followers = new Followers()
  readonly #realm: Realm
  readonly #nodes: RealmFeedParts['nodes']
  readonly #clock: Clock
  readonly #checkpoints: Checkpoints
  readonly #channel: Channel
  readonly #streams: Set<Stream> = new Set()
  readonly #seats: Seats = new Seats()
  readonly #byInstance: Map<string, Reader> = new Map()
  readonly #propagated: ((ms: number) => void) | undefined
  /** From the first acknowledgement on; a realm without verifiers needs none. */
  #times: CommitTimes | undefined

  constructor(realm: Realm, { clock, instances, nodes, propagated }: RealmFeedParts) {
    this.#realm = realm
    this.#nodes = nodes
    this.#clock = clock
    this.#propagated = propagated
    this.instances = instances
    this.#checkpoints = new Checkpoints(realm)
    this.#channel = new Channel(this.#checkpoints, realm.index.seq)
    this.snapshots = new Snapshots(realm, this.#checkpoints, clock)
  }

  get readers(): number {
    return this.#streams.size
  }

  /** Readers that are up to date and wait for the next group: long polls and streams. */
  get waiting(): number {
    return this.#channel.readers
  }

  /** How its verifiers stand to the end of the log. */
  get instanceCounts(): InstanceCounts {
    return this.instances.instanceCounts(this.#realm.index.seq)
  }

  published(publication: Publication): void {
    this.#times?.published(publication)
    this.#channel.published(publication)
  }

  lost(): void {
    this.#channel.lost(this.#realm.index.seq)
  }

  /** @throws StoreUnavailable, Overloaded: no instance is let in before its contact is durable. */
  async connect(ask: ConnectAsk): Promise<Connected> {
    const isPlain = ask.boundMs === undefined
    // Its seat is that of one that is back, whichever node it met before.
    if (this.#nodes !== undefined && ask.instance !== undefined) await this.#met(ask.instance)
    // Without an await since it was known, so that a thousand concurrent calls are counted as a thousand.
    const seat = this.#seats.take(ask.id, { isPlain, isBack: this.#known(ask) !== undefined })
    if (seat === undefined) return { kind: 'full' }
    let isOpen = false
    try {
      const connected = await this.#connect(ask, seat)
      isOpen = connected.kind === 'open'
      return connected
    } finally {
      if (!isOpen) seat.leave()
    }
  }

  async #connect(ask: ConnectAsk, seat: Seat): Promise<Connected> {
    const presented = ask.after === undefined ? undefined : await this.#checkpoints.presented(ask.after)
    if (presented?.kind === 'forged' || presented?.kind === 'fork') return presented
    const head = await this.#checkpoints.head()
    const contact = this.#contactFor(ask, head)
    if (contact === 'full') return { kind: 'full' }
    if (contact !== undefined) {
      if ((await writeContact(this.#realm, contact, ask.caller)) === 'stale') return { kind: 'stale' }
      await this.#connected(contact, ask.caller.from)
    }
    return { kind: 'open', attach: (sink) => this.#attach(sink, { ask, contact, presented, head, seat }) }
  }

  /** The contact of an instance, which may have met another node only. @throws StoreUnavailable. */
  async #met(instance: string): Promise<Contact | undefined> {
    const known = this.instances.contactOf(instance)
    if (known !== undefined || this.#nodes === undefined) return known
    const stored = await readContact(this.#realm, instance)
    if (stored !== undefined) this.instances.recall(stored, this.#realm.index.seq)
    return stored
  }

  /** On a shared store every node counts it from before its first byte on. @throws StoreUnavailable. */
  async #connected(contact: Contact, from: string): Promise<void> {
    this.instances.connect(contact, from)
    let isPublished = false
    try {
      await this.#nodes?.asOfNow()
      isPublished = true
    } finally {
      if (!isPublished && !this.#byInstance.has(contact.instance)) this.instances.disconnect(contact.instance)
    }
  }

  /**
   * The head that it answers with is read after the contact is noted, and, on a shared store, after every node can see it.
   * @throws StoreUnavailable, Overloaded.
   */
  async acknowledge(ask: AckAsk): Promise<Acked> {
    const contact = await this.#met(ask.instance)
    if (contact === undefined || contact.verifier !== ask.id) return { kind: 'no-instance' }
    const presented = await this.#presented(ask.position)
    if (presented.kind === 'forged' || presented.kind === 'fork') return presented
    if (ask.leaving) {
      await dropContact(this.#realm, ask.instance)
      this.instances.leave(ask.instance)
    } else if (this.#isToBeRenewed(contact, ask)) {
      // Another node may have stored another policy since.
      const stored = this.#nodes === undefined ? contact : await readContact(this.#realm, ask.instance)
      const { boundMs, reports = false } = ask
      const renewed = { ...(stored ?? contact), boundMs, reports, contactMs: this.#clock.wallMs() }
      if ((await writeContact(this.#realm, renewed, ask.caller)) === 'stale') return { kind: 'stale' }
      this.instances.renew(renewed, ask.caller.from)
    }
    const { instance, position } = ask
    if (presented.kind === 'reset') this.instances.contacted(instance)
    else this.#applied(instance, { seq: presented.checkpoint.seq, position })
    await this.#nodes?.asOfNow()
    const head = await this.#checkpoints.head()
    return { kind: 'acked', position: this.#checkpoints.text(head), chain: head.chain, floor: this.#floor }
  }

  #applied(instance: string, mark: { readonly seq: number; readonly position: string }): void {
    const before = this.instances.appliedBy(instance)
    this.instances.acknowledge(instance, mark)
    this.#times ??= new CommitTimes()
    // The oldest of the new rows has waited longest. What an instance had before it first acknowledged is not known.
    const committedMs = before === undefined || mark.seq <= before ? undefined : this.#times.of(before + 1)
    if (committedMs !== undefined) this.#propagated?.(Math.max(0, this.#clock.wallMs() - committedMs))
  }

  /** Events after a checkpoint: at once if there are some, otherwise when they come or the time is over. */
  async poll(key: string, after: string | undefined, waitMs: number): Promise<Polled> {
    const seat = this.#seats.take(key, { isPlain: true })
    if (seat === undefined) return { kind: 'full' }
    return this.#poll(after, waitMs, seat).finally(seat.leave)
  }

  async #poll(after: string | undefined, waitMs: number, seat: Seat): Promise<Polled> {
    const head = await this.#checkpoints.head()
    const at = { position: this.#checkpoints.text(head), floor: this.#floor }
    if (after === undefined) return { kind: 'events', events: [], ...at }
    const presented = await this.#checkpoints.presented(after)
    if (presented.kind === 'forged' || presented.kind === 'fork') return presented
    if (presented.kind === 'reset') return { kind: 'reset', ...at }
    const { seq } = presented.checkpoint
    if (seq === this.#channel.seq && waitMs > 0) await this.#nextFrame(waitMs, seat)
    if (seq === this.#channel.seq) return { kind: 'events', events: [], position: after, floor: this.#floor }
    const frame = this.#channel.recentAfter(seq) ?? (await this.#read(seq))
    if (frame === undefined) return { kind: 'reset', ...at }
    return { kind: 'events', events: [frame.json()], position: frame.position, floor: this.#floor }
  }

  async headText(): Promise<string> {
    return this.#checkpoints.text(await this.#checkpoints.head())
  }

  pulse(): void {
    for (const { reader } of this.#streams) reader.pulse()
    this.followers.pulse()
    this.snapshots.dropOld()
  }

  /** Ends every stream of a realm that is no longer served. */
  disconnectIfClosed(): void {
    if (!this.#realm.isClosed) return
    this.disconnectWhere('realm', () => true)
    // This wakes long polls, which then find nothing.
    this.#channel.lost(this.#channel.seq)
  }

  /** Ends the streams of callers that may no longer read. */
  disconnectWhere(why: ResetWhy, isOver: (caller: Caller) => boolean): void {
    for (const { reader, caller } of [...this.#streams]) if (isOver(caller)) reader.disconnect(why)
    this.followers.disconnectWhere(why, isOver)
  }

  get #floor(): number {
    return this.#realm.durableFloorMs
  }

  /** As `Checkpoints.presented`, but recent positions need no look into the store. */
  async #presented(position: string): Promise<Presented> {
    const recent = this.#channel.checkpointOf(position)
    return recent === undefined ? this.#checkpoints.presented(position) : { kind: 'on', checkpoint: recent }
  }

  /** The returning instance, if it belongs to this key. */
  #known({ instance, boundMs, id }: ConnectAsk): Contact | undefined {
    if (instance === undefined || boundMs === undefined) return undefined
    const known = this.instances.contactOf(instance)
    return known?.verifier === id ? known : undefined
  }

  #contactFor(ask: ConnectAsk, head: Checkpoint): Contact | undefined | 'full' {
    const { boundMs, onStale, id: verifier } = ask
    if (boundMs === undefined) return undefined
    const known = this.#known(ask)
    const contactMs = this.#clock.wallMs()
    const label = ask.label === undefined ? {} : { label: ask.label }
    if (known !== undefined) return { ...known, ...label, boundMs, onStale, contactMs }
    if (!this.instances.hasRoom(verifier)) return 'full'
    const instance = `ins_${this.#realm.random.bytes(16).toString('base64url')}`
    return { instance, verifier, ...label, boundMs, onStale, contactMs, firstSeq: head.seq }
  }

  #isToBeRenewed({ boundMs, contactMs, reports = false }: Contact, ask: AckAsk): boolean {
    if (boundMs !== ask.boundMs || reports !== (ask.reports ?? false)) return true
    return this.#clock.wallMs() - contactMs > RENEW_MS
  }

  #attach(sink: Sink, { ask, contact, presented, head, seat }: Attaching): void {
    const { format, caller } = ask
    const after = presented?.kind === 'on' ? presented.checkpoint.seq : head.seq
    const parts = { realm: this.#realm, channel: this.#channel, checkpoints: this.#checkpoints }
    const reader = new Reader({ ...parts, sink, format, after })
    const stream = { reader, caller }
    this.#streams.add(stream)
    seat.disconnect = () => reader.disconnect('full')
    sink.onClose(() => {
      seat.leave()
      this.#closed(stream, contact?.instance)
    })
    if (contact !== undefined) {
      const before = this.#byInstance.get(contact.instance)
      // Register the new reader first, so that the old one's end does not disconnect the instance.
      this.#byInstance.set(contact.instance, reader)
      before?.disconnect('taken-over')
    }
    const hello: Hello = {
      ...(contact === undefined ? {} : { instance: contact.instance, acceptedMax: ACCEPTED_MAX }),
      position: this.#checkpoints.text(head),
      floor: this.#floor,
      realm: this.#realm.name,
      ackEveryMs: Math.max(ACK_EVERY_MIN_MS, this.#streams.size * ACK_EVERY_PER_STREAM_MS),
    }
    sink.write(helloText(hello, format))
    if (this.#realm.isClosed) reader.disconnect('realm')
    else if (presented?.kind === 'reset') reader.disconnect('position')
    else reader.start()
  }

  #closed(stream: Stream, instance: string | undefined): void {
    this.#streams.delete(stream)
    if (instance === undefined || this.#byInstance.get(instance) !== stream.reader) return
    this.#byInstance.delete(instance)
    this.instances.disconnect(instance)
  }

  #nextFrame(waitMs: number, seat: Seat): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#channel.leave(waiter)
        resolve()
      }
      const waiter: LiveReader = { take: done, readOn: done }
      const timer = setTimeout(done, waitMs)
      seat.disconnect = done
      this.#channel.join(waiter)
    })
  }

  async #read(seq: number): Promise<Frame | undefined> {
    const rows = await this.#realm.store.chainedRowsAfter(this.#realm.ordinal, seq, POLL_ROWS_MAX)
    const last = rows.at(-1)
    if (last === undefined || rows[0]?.seq !== seq + 1) return undefined
    return new Frame({
      prev: seq,
      position: this.#checkpoints.text(this.#checkpoints.at(last.seq, last.chain)),
      rows,
    })
  }
}

const POLL_ROWS_MAX = 1_000

type Attaching = {
  readonly ask: ConnectAsk
  readonly contact: Contact | undefined
  readonly presented: Presented | undefined
  readonly head: Checkpoint
  readonly seat: Seat
}
