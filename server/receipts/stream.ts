import { setTimeout as after } from 'node:timers/promises'
import type { Realm, Sink } from '@rescind/authority'
import { isOutage } from '@rescind/core'
import { type Follower, PENDING_MAX_BYTES, type ResetWhy } from '@rescind/feed'
import type { Committed, Enforcement, EnforcementJson, InstanceJson } from './enforcement.ts'
import type { ReceiptJson } from './receipt.ts'

/** Why a stream ends: it has said everything, its time is over, or for one of the reasons that end the feed's streams. */
export type EndWhy = 'enforced' | 'timeout' | ResetWhy

/** Time for a reader to take the end of its stream; after it, the connection is cut. */
const END_TIMEOUT_MS = 1_000

export type ReceiptStreamParts = {
  readonly realm: Realm
  readonly of: Committed
  readonly receipt: ReceiptJson
  readonly enforcement: Enforcement
  readonly monotonicMs: () => number
  readonly timeoutMs: number
}

/**
 * One receipt as it fills in: first how things stand, then each instance that applies the revocation or lapses, until all
 * have or the time is over. It looks again and again instead of waiting for acknowledgements, because a thousand of them
 * would wake it a thousand times.
 */
export class ReceiptStream implements Follower {
  readonly #parts: ReceiptStreamParts
  readonly #sink: Sink
  readonly #endMs: number
  /** What was last said of each instance, by its id. */
  #said: ReadonlyMap<string, InstanceJson> = new Map()
  #open = true

  constructor(parts: ReceiptStreamParts, sink: Sink) {
    this.#parts = parts
    this.#sink = sink
    this.#endMs = parts.monotonicMs() + parts.timeoutMs
    sink.onClose(() => {
      this.#open = false
    })
  }

  start(): void {
    void this.#run()
  }

  pulse(): void {
    if (this.#open && this.#sink.pendingBytes() === 0) this.#sink.write(':\n\n')
  }

  disconnect(why: ResetWhy): void {
    this.#end(why)
  }

  /** Never rejects: if the store cannot be read, the stream ends, and its reader asks again. */
  async #run(): Promise<void> {
    try {
      let state = await this.#look()
      if (!this.#open) return
      this.#write('receipt', { ...this.#parts.receipt, ...state })
      this.#said = byId(state.instances)
      // With ten thousand instances it has some megabytes.
      await this.#sink.drained()
      while (this.#open && !state.enforced && this.#leftMs() > 0) {
        await this.#pause()
        if (!this.#open) return
        state = await this.#look()
        if (this.#open) this.#tell(state)
      }
      if (!this.#open) return
      if (state.enforced) this.#tellEnforced(state)
      this.#end(state.enforced ? 'enforced' : 'timeout')
    } catch (error) {
      if (!isOutage(error)) throw error
      this.#open = false
      this.#sink.end(END_TIMEOUT_MS)
    }
  }

  #look(): Promise<EnforcementJson> {
    const { enforcement, realm, of } = this.#parts
    return enforcement.now(realm, of)
  }

  #pause(): Promise<void> {
    const { enforcement, realm } = this.#parts
    const pauseMs = Math.min(enforcement.pauseMs(realm), Math.max(1, this.#leftMs()))
    return after(pauseMs, undefined, { ref: false })
  }

  #leftMs(): number {
    return this.#endMs - this.#parts.monotonicMs()
  }

  /** Says what has changed since the last look. */
  #tell({ instances }: EnforcementJson): void {
    const now = byId(instances)
    for (const [id, one] of now) if (this.#said.get(id)?.state !== one.state) this.#write('instance', one)
    for (const [id, { verifier, instance }] of this.#said)
      if (!now.has(id)) this.#write('gone', { verifier, instance })
    this.#said = now
    if (this.#sink.pendingBytes() > PENDING_MAX_BYTES) this.#end('slow')
  }

  #tellEnforced({ enforced, enforcedBy, enforcedAt, effectiveBy, instanceCount }: EnforcementJson): void {
    this.#write('enforced', { enforced, enforcedBy, enforcedAt, effectiveBy, instanceCount })
  }

  #write(event: string, data: object): void {
    this.#sink.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  #end(why: EndWhy): void {
    if (!this.#open) return
    this.#open = false
    this.#write('end', { why })
    this.#sink.end(END_TIMEOUT_MS)
  }
}

function byId(instances: readonly InstanceJson[]): ReadonlyMap<string, InstanceJson> {
  return new Map(instances.map((one) => [one.instance, one]))
}
