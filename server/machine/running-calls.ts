import {
  EXPIRING_KINDS,
  type ExpiringName,
  type Operation,
  type Outcome,
  type Realm,
} from '@rescind/authority'
import { isOutage } from '@rescind/core'

/** How long a call counts as running without another sign of it, if its process ended. */
const SIGN_MS = 60_000

/**
 * Says to the other processes of a shared store that this one runs a call with an Idempotency-Key. The process itself must
 * see to it that it runs the call once: its own sign does not keep it out, because it may have been written by an attempt
 * whose outcome never became known.
 */
export class RunningCall {
  readonly #realm: Realm
  readonly #name: ExpiringName
  /** This process; undefined: there are no others. */
  readonly #node: string | undefined
  /** The end of the last sign, by which it is known from one of another process. */
  #endsAtMs: number | undefined
  #isOver = false

  private constructor(realm: Realm, id: string) {
    this.#realm = realm
    this.#name = { kind: EXPIRING_KINDS.runningCall, id }
    this.#node = realm.store.isShared ? realm.store.nodes?.self : undefined
  }

  /** @returns undefined if another process runs it. @throws StoreUnavailable, Overloaded. */
  static async begin(realm: Realm, id: string): Promise<RunningCall | undefined> {
    const call = new RunningCall(realm, id)
    return (await call.#begin()) ? call : undefined
  }

  /** Whether any process of a shared store says so; a store that is not shared holds no signs. */
  static async isRunning(realm: Realm, id: string): Promise<boolean> {
    const name = { kind: EXPIRING_KINDS.runningCall, id }
    const sign = await realm.store.expiring(realm.ordinal, name)
    return sign !== undefined && sign.expiresAtMs > realm.nowMs()
  }

  async #begin(): Promise<boolean> {
    if (this.#node === undefined || (await this.goOnWith([]))) return true
    const found = await this.#realm.store.expiring(this.#realm.ordinal, this.#name)
    if (found === undefined || Buffer.from(found.value).toString('utf8') !== this.#node) return false
    this.#endsAtMs = found.expiresAtMs
    return this.goOnWith([])
  }

  /**
   * Writes these operations, and that the call is under way for another while.
   * @returns false, and nothing is written, once another process has taken the call over because this one was silent for
   * too long. @throws StoreUnavailable, Overloaded.
   */
  async goOnWith(operations: readonly Operation[]): Promise<boolean> {
    const nowMs = this.#realm.nowMs()
    const endsAtMs = nowMs + SIGN_MS
    const sign = this.#node === undefined ? [] : this.#signed(this.#node, endsAtMs, nowMs)
    const outcome = await this.#commit([...sign, ...operations])
    if (outcome.kind === 'applied') this.#endsAtMs = endsAtMs
    return outcome.kind === 'applied'
  }

  /** The call has ended with this write. @throws StoreUnavailable, Overloaded. */
  async endWith(operations: readonly Operation[]): Promise<void> {
    const outcome = await this.#commit([...operations, ...this.#dropped()])
    if (outcome.kind === 'applied') this.#isOver = true
  }

  /** The call has ended, however. If that cannot be written, it counts as running for a while. */
  async end(): Promise<void> {
    if (this.#node === undefined || this.#isOver) return
    try {
      await this.endWith([])
    } catch (error) {
      if (!isOutage(error)) throw error
    }
  }

  #signed(node: string, expiresAtMs: number, unlessAliveAtMs: number): readonly Operation[] {
    const entry = { ...this.#name, value: Buffer.from(node, 'utf8'), expiresAtMs }
    return [...this.#dropped(), { kind: 'put-expiring', entry, unlessAliveAtMs }]
  }

  #dropped(): readonly Operation[] {
    if (this.#endsAtMs === undefined) return []
    return [{ kind: 'drop-expiring', entry: this.#name, ifExpiresAtMs: this.#endsAtMs }]
  }

  #commit(operations: readonly Operation[]): Promise<Outcome> {
    return this.#realm.commit({ realm: this.#realm.ordinal, dependsOn: [], expects: [], operations })
  }
}
