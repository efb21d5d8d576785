import type { InstanceRow, PublishedInstance } from '@rescind/authority'
import { type Clock, realmOrdinal } from '@rescind/core'
import type { Contact } from '../../../feed/contact.ts'
import { Instances } from '../../../feed/instances.ts'

const REALM = realmOrdinal(1)

/** One time line. Tasks run in order of their time, and nothing sleeps. */
export class Line {
  nowMs = 0
  readonly #planned: { readonly atMs: number; readonly task: () => void }[] = []

  after(ms: number, task: () => void): void {
    const atMs = this.nowMs + ms
    const before = this.#planned.findIndex((one) => one.atMs > atMs)
    this.#planned.splice(before < 0 ? this.#planned.length : before, 0, { atMs, task })
  }

  run(each: () => void): void {
    for (let next = this.#planned.shift(); next !== undefined; next = this.#planned.shift()) {
      // Just before the next task, what was fresh until then may have run out.
      this.nowMs = next.atMs
      each()
      next.task()
      each()
    }
  }
}

/** What the nodes publish, and the end of the log. */
export class ModelStore {
  head = 0
  #puts = 0
  readonly #rows: Map<string, PublishedInstance & { readonly put: number }> = new Map()

  publish(node: string | undefined, rows: readonly InstanceRow[]): void {
    for (const { body = '', ...row } of rows) {
      this.#puts += 1
      this.#rows.set(`${node} ${row.id}`, { ...row, node, body, isRemembered: true, put: this.#puts })
    }
  }

  /** As the trigger of the lease rows does. */
  depart(node: string): void {
    for (const [key, row] of this.#rows) {
      if (row.node !== node) continue
      this.#rows.delete(key)
      const before = this.#rows.get(`undefined ${row.id}`)
      const applied = Math.max(row.applied, before?.applied ?? 0)
      this.publish(undefined, [{ ...row, applied, contacts: 1_000 + this.#puts, seenMs: 0 }])
    }
  }

  since(put: number): { readonly rows: readonly PublishedInstance[]; readonly next: number } {
    return { rows: [...this.#rows.values()].filter((row) => row.put > put), next: this.#puts }
  }
}

type Beating = { readonly begun: () => void; readonly answered: (head: number) => void }

/** A node as far as verifiers notice it: it publishes contacts with heartbeats, one at a time, and reads what others did. */
export class ModelNode {
  readonly name: string
  readonly instances: Instances
  isThere = true
  readonly #line: Line
  readonly #store: ModelStore
  readonly #due: Map<string, InstanceRow> = new Map()
  #waiting: Beating[] = []
  #isBeating = false
  #put = 0

  constructor(
    name: string,
    rate: number,
    { line, store }: { readonly line: Line; readonly store: ModelStore },
  ) {
    this.name = name
    this.#line = line
    this.#store = store
    const clock: Clock = { wallMs: () => line.nowMs, monotonicMs: () => line.nowMs * rate }
    this.instances = new Instances(clock, {
      publish: (row) => this.#due.set(row.id, { ...row, realm: REALM }),
      isThere: () => true,
      refresh: () => Promise.resolve(true),
    })
  }

  /** Calls back with the end of the log as a heartbeat sees it that is begun later. */
  beat(delays: () => number, answered: (head: number) => void): void {
    this.#waiting.push({ begun: () => {}, answered })
    if (!this.#isBeating) this.#begin(delays)
  }

  #begin(delays: () => number): void {
    const served = this.#waiting
    if (served.length === 0) return
    this.#waiting = []
    this.#isBeating = true
    const rows = [...this.#due.values()]
    this.#line.after(delays(), () => {
      if (!this.isThere) return
      this.#store.publish(this.name, rows)
      this.#line.after(delays(), () => {
        const { head } = this.#store
        this.#line.after(delays(), () => {
          this.#isBeating = false
          if (!this.isThere) return
          for (const { answered } of served) answered(head)
          this.#begin(delays)
        })
      })
    })
  }

  /** @param told gets what this node says then of the verifiers, by rows of the log that were there before the reading. */
  read(delays: () => number, told: (head: number) => void): void {
    const { head } = this.#store
    this.#line.after(delays(), () => {
      const { rows, next } = this.#store.since(this.#put)
      this.#line.after(delays(), () => {
        if (!this.isThere || next < this.#put) return
        this.#put = next
        this.instances.noticed(rows.filter(({ node }) => node !== this.name))
        told(head)
      })
    })
  }

  leave(): void {
    this.isThere = false
    this.#store.depart(this.name)
  }
}

/** A verifier: it accepts what it has no rule against, while a proof of freshness that it has caught up with is young. */
export class ModelVerifier {
  readonly contact: Contact
  applied = 0
  readonly #proofs: { readonly sentMs: number; readonly head: number }[] = []
  readonly #line: Line
  readonly #rate: number

  constructor(line: Line, rate: number, contact: Contact) {
    this.#line = line
    this.#rate = rate
    this.contact = contact
  }

  get nowMs(): number {
    return this.#line.nowMs * this.#rate
  }

  proved(sentMs: number, head: number): void {
    this.#proofs.push({ sentMs, head })
  }

  /** Whether it still accepts what this row has ended. */
  accepts(seq: number): boolean {
    if (this.applied >= seq) return false
    return this.#proofs.some(
      ({ sentMs, head }) => head <= this.applied && this.nowMs - sentMs <= this.contact.boundMs,
    )
  }
}
