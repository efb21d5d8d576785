import { type InstanceRow, leaseMs, type PublishedInstance } from '@rescind/authority'
import type { Clock } from '@rescind/core'
import type { Contact, StalePolicy } from './contact.ts'
import { type Told, toldIn, toldText } from './told.ts'

/** Maximum connected instances of one key. */
export const INSTANCES_PER_KEY_MAX = 1_000
/** Maximum instances remembered in one realm. A lapsed one makes room for a new one; without any, new ones are refused. */
export const INSTANCES_MAX = 10_000
/** Maximum of these for one key, so that instances that never lapse do not keep out other keys. */
export const INSTANCES_REMEMBERED_PER_KEY_MAX = 2_000
/** Acknowledgement times kept per instance, for receipts of recent rows. */
export const MARKS_MAX = 256

export type Mark = { readonly seq: number; readonly atMs: number }

type Instance = {
  contact: Contact
  /** When its last contact was noticed, whichever node it was with; at first when this process started. Monotonic time. */
  contactMonotonicMs: number
  contactWallMs: number
  /** The last row it acknowledged; undefined: none since it came or this process started. */
  applied: number | undefined
  /** When it acknowledged rows up to here is not known: it was before its first contact, its oldest mark or this process. */
  untimed: number
  position: string | undefined
  marks: Mark[]
  /** It has a stream here. */
  connected: boolean
  from: string | undefined
  /** The number of its last contact here; 0: none. */
  contacts: number
  /** What other nodes have said last, by node. */
  readonly elsewhere: Map<string, { readonly contacts: number; readonly isConnected: boolean }>
}

/** The other nodes, on a shared store. */
export type OtherNodes = {
  /** Every heartbeat that is begun from here on tells them. */
  readonly publish: (row: Omit<InstanceRow, 'realm'>) => void
  readonly isThere: (node: string) => boolean
  /** Resolves once `noticed` was called with all that they had said before the call; with false if that is not known. */
  readonly refresh: () => Promise<boolean>
}

/** One instance as the registry and receipts show it. */
export type InstanceView = {
  readonly instance: string
  readonly verifier: string
  readonly label: string | undefined
  readonly boundMs: number
  readonly onStale: StalePolicy
  /** Whether it says which tokens it accepted. */
  readonly reports: boolean
  readonly connected: boolean
  readonly from: string | undefined
  readonly position: string | undefined
  readonly applied: number | undefined
  readonly lastContactMs: number
  /** It was not heard from for longer than its bound and refuses when stale, so it now refuses everything. */
  readonly lapsed: boolean
}

/** How many instances have applied a row, refuse everything by now, or are pending. */
export type InstanceCounts = { readonly applied: number; readonly behind: number; readonly lapsed: number }

/** Whether one instance enforces one row. That it has applied the row is the key holder's claim. */
export type Enforcement = InstanceView & {
  readonly state: 'applied' | 'lapsed' | 'pending'
  /** When it first acknowledged the row or a later one, if that is still known; what another node noticed may be later. */
  readonly appliedAtMs?: number
  /** Of a lapsed one: when its bound had passed. */
  readonly lapsedAtMs?: number
}

/** The verifiers of a realm: connected, behind, lapsed or vanished. */
export class Instances {
  readonly #clock: Clock
  readonly #byId: Map<string, Instance> = new Map()
  readonly #waiting: Set<() => void> = new Set()
  readonly #others: OtherNodes | undefined
  #contacts = 0
  /** Of instances that said goodbye here: when the other nodes have all heard. */
  readonly #gone: Map<string, number> = new Map()

  constructor(clock: Clock, others?: OtherNodes) {
    this.#clock = clock
    this.#others = others
  }

  /**
   * Adds an instance that another process knew: pending until it acknowledges or its bound from now on passes.
   * @param head the end of the log now: when it acknowledges what is written from here on is noticed.
   */
  recall(contact: Contact, head: number): void {
    if (this.#byId.has(contact.instance)) return
    const seen = { connected: false, from: undefined, contactWallMs: contact.contactMs }
    this.#put(contact, seen).untimed = Math.max(contact.firstSeq, head)
  }

  get(instance: string): InstanceView | undefined {
    const found = this.#byId.get(instance)
    return found === undefined ? undefined : this.#view(found)
  }

  contactOf(instance: string): Contact | undefined {
    return this.#byId.get(instance)?.contact
  }

  /** Whether another instance of this key can be remembered; if necessary, drops the one that lapsed longest ago. */
  hasRoom(verifier: string): boolean {
    let own = 0
    for (const { contact } of this.#byId.values()) if (contact.verifier === verifier) own += 1
    if (own >= INSTANCES_REMEMBERED_PER_KEY_MAX) return this.#makeRoom(verifier)
    return this.#byId.size < INSTANCES_MAX || this.#makeRoom()
  }

  connect(contact: Contact, from: string): void {
    const known = this.#byId.get(contact.instance)
    if (known === undefined) {
      this.#touch(this.#put(contact, { connected: true, from, contactWallMs: contact.contactMs }))
      return
    }
    Object.assign(known, { contact, connected: true, from })
    this.#touch(known)
  }

  /** Its stored contact was written again. */
  renew(contact: Contact, from: string): void {
    const known = this.#byId.get(contact.instance)
    if (known !== undefined) Object.assign(known, { contact, from })
  }

  disconnect(instance: string): void {
    const known = this.#byId.get(instance)
    if (known === undefined) return
    known.connected = false
    this.#publish(known)
  }

  /** The instance stopped and said so: it judges nothing any more. Its stored contact is gone, which others see. */
  leave(instance: string): void {
    const known = this.#byId.get(instance)
    if (known === undefined) return
    this.#touch(known)
    this.#byId.delete(instance)
    if (this.#others !== undefined) this.#gone.set(instance, this.#clock.monotonicMs() + GONE_MS)
    this.#wake()
  }

  /** Its key was revoked. Its lapsed instances are dropped at once; the others stay until they lapse. */
  forget(verifier: string): void {
    for (const [id, one] of this.#byId) {
      if (one.contact.verifier === verifier && this.#view(one).lapsed) this.#drop(id, one)
    }
  }

  acknowledge(
    instance: string,
    { seq, position }: { readonly seq: number; readonly position: string },
  ): void {
    const known = this.#byId.get(instance)
    if (known === undefined) return
    this.#applied(known, { seq, position, atMs: this.#clock.wallMs() })
    this.#touch(known)
  }

  /** It asked, and has applied nothing of this log. */
  contacted(instance: string): void {
    const known = this.#byId.get(instance)
    if (known !== undefined) this.#touch(known)
  }

  /** Other nodes have said this. Call it with what came, when it came: an instance has contacted a node before that. */
  noticed(rows: readonly PublishedInstance[]): void {
    for (const row of rows) {
      const known = this.#byId.get(row.id)
      if (!row.isRemembered) {
        if (known !== undefined) this.#drop(row.id, known)
        continue
      }
      const told = toldIn(row)
      // One that is unreadable is not waited for; its own bound limits what it accepts.
      if (told !== undefined) this.#heard(row, told)
    }
    this.#wake()
  }

  /** Withdraws what was published about instances that said goodbye. */
  tidy(): void {
    for (const [id, untilMs] of this.#gone) {
      if (this.#clock.monotonicMs() < untilMs) break
      this.#gone.delete(id)
      this.#unpublish(id)
    }
  }

  #heard({ id, node = NO_NODE, contacts, applied }: PublishedInstance, told: Told): void {
    const { contact, isConnected, from, position, appliedAtMs, seenMs } = told
    const known = this.#byId.get(id) ?? this.#put(contact, { connected: false, from, contactWallMs: seenMs })
    if (known.elsewhere.get(node)?.contacts !== contacts) {
      known.contactMonotonicMs = this.#clock.monotonicMs()
      if (seenMs > known.contactWallMs) Object.assign(known, { contactWallMs: seenMs, from })
    }
    this.#forgetGone(known)
    known.elsewhere.set(node, { contacts, isConnected })
    if (contact.contactMs > known.contact.contactMs) known.contact = contact
    if (position !== undefined && appliedAtMs !== undefined)
      this.#applied(known, { seq: applied, position, atMs: appliedAtMs })
  }

  /** Should such a node say the same once more, it counts as a new contact: that only makes the instance lapse later. */
  #forgetGone({ elsewhere }: Instance): void {
    for (const node of elsewhere.keys())
      if (node !== NO_NODE && this.#others?.isThere(node) !== true) elsewhere.delete(node)
  }

  #applied(known: Instance, { seq, position, atMs }: Mark & { readonly position: string }): void {
    if (known.applied !== undefined && seq <= known.applied) return
    known.applied = seq
    known.position = position
    known.marks.push({ seq, atMs })
    if (known.marks.length > MARKS_MAX) known.untimed = known.marks.shift()?.seq ?? known.untimed
    this.#wake()
  }

  get size(): number {
    return this.#byId.size
  }

  views(): readonly InstanceView[] {
    return [...this.#byId.values()].map((one) => this.#view(one))
  }

  /** How every instance that counts stands to a row. */
  enforcement(seq: number): readonly Enforcement[] {
    const list: Enforcement[] = []
    for (const one of this.#byId.values()) {
      if (one.contact.firstSeq >= seq && one.applied === undefined) continue
      const view = this.#view(one)
      if (one.applied !== undefined && one.applied >= seq) {
        const appliedAtMs = seq > one.untimed ? one.marks.find((mark) => mark.seq >= seq)?.atMs : undefined
        list.push({ ...view, state: 'applied', ...(appliedAtMs === undefined ? {} : { appliedAtMs }) })
      } else if (view.lapsed) list.push({ ...view, state: 'lapsed', lapsedAtMs: this.#lapsedAtMs(one) })
      else list.push({ ...view, state: 'pending' })
    }
    return list
  }

  /** The same as numbers. */
  instanceCounts(seq: number): InstanceCounts {
    const total = { applied: 0, behind: 0, lapsed: 0 }
    for (const one of this.#byId.values()) {
      const { applied = one.contact.firstSeq } = one
      if (applied >= seq) total.applied += 1
      else if (this.#view(one).lapsed) total.lapsed += 1
      else total.behind += 1
    }
    return total
  }

  /** The last row that an instance has acknowledged; undefined: none since it came or this process started. */
  appliedBy(instance: string): number | undefined {
    return this.#byId.get(instance)?.applied
  }

  /**
   * Resolves when no instance is pending any more, or the time is over. @returns whether each one has applied the row or
   * lapsed.
   */
  async enforced(seq: number, timeoutMs: number): Promise<boolean> {
    const endMs = this.#clock.monotonicMs() + timeoutMs
    const checkMs = this.#others === undefined ? LAPSE_CHECK_MS : REFRESH_MS
    for (;;) {
      const isKnown = await this.refresh()
      if (isKnown && this.enforcement(seq).every(({ state }) => state !== 'pending')) return true
      const leftMs = endMs - this.#clock.monotonicMs()
      if (leftMs <= 0) return false
      await this.#change(Math.min(leftMs, checkMs))
    }
  }

  /** Resolves once what the other nodes had said before the call is known here; with false if it cannot be read now. */
  async refresh(): Promise<boolean> {
    return this.#others === undefined || (await this.#others.refresh())
  }

  #change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, timeoutMs)
      this.#waiting.add(done)
    })
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done()
  }

  #touch(one: Instance): void {
    one.contactMonotonicMs = this.#clock.monotonicMs()
    one.contactWallMs = this.#clock.wallMs()
    this.#contacts += 1
    one.contacts = this.#contacts
    this.#publish(one)
  }

  #publish(one: Instance): void {
    if (this.#others === undefined || one.contacts === 0) return
    const { contact, contacts, applied = 0, connected, from, position, contactWallMs: seenMs, marks } = one
    const appliedAtMs = marks.at(-1)?.atMs
    const body = toldText({ contact, isConnected: connected, from, position, appliedAtMs, seenMs })
    this.#others.publish({ id: contact.instance, contacts, applied, seenMs, body })
  }

  #unpublish(id: string): void {
    this.#others?.publish({ id, contacts: 0, applied: 0, seenMs: 0, body: undefined })
  }

  #drop(id: string, one: Instance): void {
    this.#byId.delete(id)
    if (one.contacts > 0) this.#unpublish(id)
  }

  #put(contact: Contact, seen: Pick<Instance, 'connected' | 'from' | 'contactWallMs'>): Instance {
    const contactMonotonicMs = this.#clock.monotonicMs()
    const nothing = {
      applied: undefined,
      untimed: contact.firstSeq,
      position: undefined,
      marks: [],
      contacts: 0,
    }
    const one = { contact, contactMonotonicMs, ...nothing, elsewhere: new Map(), ...seen }
    this.#byId.set(contact.instance, one)
    return one
  }

  /** Drops only lapsed instances: each one that may still accept tokens must be counted. */
  #makeRoom(of?: string): boolean {
    let oldest: Instance | undefined
    for (const one of this.#byId.values()) {
      if (
        this.#isConnected(one) ||
        (of !== undefined && one.contact.verifier !== of) ||
        !this.#view(one).lapsed
      )
        continue
      if (oldest === undefined || one.contactMonotonicMs < oldest.contactMonotonicMs) oldest = one
    }
    if (oldest !== undefined) this.#drop(oldest.contact.instance, oldest)
    return oldest !== undefined
  }

  #isConnected({ connected, elsewhere }: Instance): boolean {
    if (connected) return true
    for (const [node, { isConnected }] of elsewhere)
      if (isConnected && this.#others?.isThere(node) === true) return true
    return false
  }

  #view(one: Instance): InstanceView {
    const { contact, from, position, applied, contactWallMs, contactMonotonicMs } = one
    const { instance, verifier, label, boundMs, onStale, reports = false } = contact
    const isOver = this.#clock.monotonicMs() - contactMonotonicMs > this.#mostMs(one)
    const connected = this.#isConnected(one)
    const lapsed = isOver && onStale !== 'allow'
    const about = { instance, verifier, label, boundMs, onStale, reports, connected, from, position, applied }
    return { ...about, lastContactMs: contactWallMs, lapsed }
  }

  /** How long after its last contact it may still accept tokens. */
  #mostMs({ contact: { boundMs } }: Instance): number {
    return this.#others === undefined ? boundMs : leaseMs(boundMs)
  }

  #lapsedAtMs(one: Instance): number {
    const sinceMs = this.#clock.monotonicMs() - one.contactMonotonicMs - this.#mostMs(one)
    return Math.floor(this.#clock.wallMs() - sinceMs)
  }
}

/** How often a wait checks for lapsed instances. */
const LAPSE_CHECK_MS = 50
/** How often a wait looks at what the other nodes say. */
const REFRESH_MS = 20
/** How long the other nodes are told of a goodbye. */
const GONE_MS = 600_000
/** All nodes that are gone. */
const NO_NODE = ''
