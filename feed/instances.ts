import type { Clock } from '@rescind/core'

/** What a verifier does when it cannot prove that it is fresh. */
export type StalePolicy = 'refuse' | 'ask' | 'allow'

/** Maximum connected instances of one key. */
export const INSTANCES_PER_KEY_MAX = 1_000
/** Maximum instances remembered in one realm. A lapsed one makes room for a new one; without any, new ones are refused. */
export const INSTANCES_MAX = 10_000
/** Maximum of these for one key, so that instances that never lapse do not keep out other keys. */
export const INSTANCES_REMEMBERED_PER_KEY_MAX = 2_000
/** Acknowledgement times kept per instance, for receipts of recent rows. */
export const MARKS_MAX = 256

/** What is stored about an instance before its first byte. */
export type Contact = {
  readonly instance: string
  /** Id of the key's record. */
  readonly verifier: string
  readonly label?: string
  readonly boundMs: number
  readonly onStale: StalePolicy
  readonly contactMs: number
  /** The end of the log at its first contact: it never accepted a token without knowing earlier rows. */
  readonly firstSeq: number
}

export type Mark = { readonly seq: number; readonly atMs: number }

type Instance = {
  contact: Contact
  /** Monotonic time of its last contact with this process, or of this process's start. */
  contactMonotonicMs: number
  contactWallMs: number
  /** The last row it acknowledged; undefined: none since it came or this process started. */
  applied: number | undefined
  position: string | undefined
  marks: Mark[]
  connected: boolean
  from: string | undefined
}

/** One instance as the registry and receipts show it. */
export type InstanceView = {
  readonly instance: string
  readonly verifier: string
  readonly label: string | undefined
  readonly boundMs: number
  readonly onStale: StalePolicy
  readonly connected: boolean
  readonly from: string | undefined
  readonly position: string | undefined
  readonly applied: number | undefined
  readonly lastContactMs: number
  /** It was not heard from for longer than its bound and refuses when stale, so it now refuses everything. */
  readonly lapsed: boolean
}

/** Whether one instance enforces one row. That it has applied the row is the key holder's claim. */
export type Enforcement = InstanceView & {
  readonly state: 'applied' | 'lapsed' | 'pending'
  /** When it first acknowledged the row or a later one, if that is still known. */
  readonly appliedAtMs?: number
}

/** The verifiers of a realm: connected, behind, lapsed or vanished. */
export class Instances {
  readonly #clock: Clock
  readonly #byId: Map<string, Instance> = new Map()
  readonly #waiting: Set<() => void> = new Set()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Adds an instance that an earlier process knew: pending until it acknowledges or its bound from now on passes. */
  recall(contact: Contact): void {
    if (this.#byId.has(contact.instance)) return
    this.#put(contact, { connected: false, from: undefined, contactWallMs: contact.contactMs })
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
      this.#put(contact, { connected: true, from, contactWallMs: contact.contactMs })
      return
    }
    Object.assign(known, { contact, connected: true, from })
    this.#touch(known)
  }

  disconnect(instance: string): void {
    const known = this.#byId.get(instance)
    if (known !== undefined) known.connected = false
  }

  /** The instance stopped and said so: it judges nothing any more. */
  leave(instance: string): void {
    this.#byId.delete(instance)
    this.#wake()
  }

  /** Its key was revoked. Its lapsed instances are dropped at once; the others stay until they lapse. */
  forget(verifier: string): void {
    for (const [id, one] of this.#byId) {
      if (one.contact.verifier === verifier && this.#view(one).lapsed) this.#byId.delete(id)
    }
  }

  acknowledge(
    instance: string,
    { seq, position }: { readonly seq: number; readonly position: string },
  ): void {
    const known = this.#byId.get(instance)
    if (known === undefined) return
    this.#touch(known)
    if (known.applied !== undefined && seq <= known.applied) return
    known.applied = seq
    known.position = position
    known.marks.push({ seq, atMs: this.#clock.wallMs() })
    if (known.marks.length > MARKS_MAX) known.marks.shift()
    this.#wake()
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
        const appliedAtMs = firstMark(one.marks, seq)
        list.push({ ...view, state: 'applied', ...(appliedAtMs === undefined ? {} : { appliedAtMs }) })
      } else list.push({ ...view, state: view.lapsed ? 'lapsed' : 'pending' })
    }
    return list
  }

  /**
   * Resolves when no instance is pending any more, or the time is over. @returns whether each one has applied the row or
   * lapsed.
   */
  async enforced(seq: number, timeoutMs: number): Promise<boolean> {
    const endMs = this.#clock.monotonicMs() + timeoutMs
    for (;;) {
      if (this.enforcement(seq).every(({ state }) => state !== 'pending')) return true
      const leftMs = endMs - this.#clock.monotonicMs()
      if (leftMs <= 0) return false
      await this.#change(Math.min(leftMs, LAPSE_CHECK_MS))
    }
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
  }

  #put(contact: Contact, seen: Pick<Instance, 'connected' | 'from' | 'contactWallMs'>): void {
    const contactMonotonicMs = this.#clock.monotonicMs()
    const nothing = { applied: undefined, position: undefined, marks: [] }
    this.#byId.set(contact.instance, { contact, contactMonotonicMs, ...nothing, ...seen })
  }

  /** Drops only lapsed instances: each one that may still accept tokens must be counted. */
  #makeRoom(of?: string): boolean {
    let oldest: Instance | undefined
    for (const one of this.#byId.values()) {
      if (one.connected || (of !== undefined && one.contact.verifier !== of) || !this.#view(one).lapsed)
        continue
      if (oldest === undefined || one.contactMonotonicMs < oldest.contactMonotonicMs) oldest = one
    }
    return oldest !== undefined && this.#byId.delete(oldest.contact.instance)
  }

  #view(one: Instance): InstanceView {
    const { contact, connected, from, position, applied, contactWallMs, contactMonotonicMs } = one
    const { instance, verifier, label, boundMs, onStale } = contact
    const isOver = this.#clock.monotonicMs() - contactMonotonicMs > boundMs
    const lapsed = isOver && onStale !== 'allow'
    const about = { instance, verifier, label, boundMs, onStale, connected, from, position, applied }
    return { ...about, lastContactMs: contactWallMs, lapsed }
  }
}

/** How often a wait checks for lapsed instances. */
const LAPSE_CHECK_MS = 50

/** When an acknowledgement first covered a row; undefined if that is older than the marks kept. */
function firstMark(marks: readonly Mark[], seq: number): number | undefined {
  const at = marks.findIndex((mark) => mark.seq >= seq)
  if (at === 0 && marks.length >= MARKS_MAX) return undefined
  return marks[at]?.atMs
}
