import { isByRule, type RevocationIndex, type TokenDigest, turnsVerdicts } from '@rescind/core'
import type { Rule } from '@rescind/core/log'
import type { RawToken } from '@rescind/core/tokens'
import type { Seen } from './engine.ts'
import { type CheckResult, type Inactive, inactiveFor, type Unknown } from './results.ts'

/** Called once: with the reason why a token is over, or that no verdict is possible any more. */
export type OnRevoked = (ended: Inactive | Unknown) => void

/** Maximum watched tokens: connections of one process that a token keeps open. */
export const WATCHED_MAX = 100_000

/** A callback that waits for a token to end. */
export type Watch = {
  /** Kept only until the token's facts are known, because texts are long, and secret. */
  raw: RawToken | undefined
  known: Known
  readonly callback: OnRevoked
}
export type Known = {
  readonly digest: TokenDigest | undefined
  /** For a JWS: the name that identifies it in every spelling, and that rules may use. */
  readonly name?: TokenDigest | undefined
  readonly seen: Seen | undefined
}

const REVOKED: Inactive = inactiveFor('revoked')

/** The callbacks that wait for revocations: for sockets and streams opened with a token. */
export class Watches {
  readonly #judge: (seen: Seen) => CheckResult
  readonly #all: Set<Watch> = new Set()
  readonly #byDigest: Names<Watch> = new Names()
  readonly #byHandle: Names<Watch> = new Names()
  /** Watches whose token must be asked about again: so far only a rule on the token's own text would reach them. */
  readonly #unseen: Set<Watch> = new Set()

  constructor(judge: (seen: Seen) => CheckResult) {
    this.#judge = judge
  }

  get size(): number {
    return this.#all.size
  }

  /** Calls back for a token that is already over. */
  once(result: CheckResult, callback: OnRevoked): () => void {
    let isStopped = false
    queueMicrotask(() => {
      if (!isStopped && result.kind !== 'active') callback(result)
    })
    return () => {
      isStopped = true
    }
  }

  /**
   * Adds a watch. If the token's facts are unknown, ask about them and call `learn`.
   * @throws RangeError past WATCHED_MAX: a socket that cannot be disconnected must not be opened.
   */
  add(
    raw: RawToken | undefined,
    known: Known,
    callback: OnRevoked,
  ): { readonly watch: Watch; readonly stop: () => void } {
    if (this.#all.size >= WATCHED_MAX) throw new RangeError(`more than ${WATCHED_MAX} tokens are watched`)
    const watch: Watch = { raw, known, callback }
    this.#all.add(watch)
    this.#name(watch)
    const stop = (): void => {
      this.#end(watch)
    }
    return { watch, stop }
  }

  /** Some of the watches whose question was not answered; call `learn` for each again. */
  takeUnseen(count: number): readonly Watch[] {
    const taken: Watch[] = []
    for (const watch of this.#unseen) {
      if (taken.length >= count) break
      this.#unseen.delete(watch)
      taken.push(watch)
    }
    return taken
  }

  /**
   * Takes the result of a question about a watched token. Without an answer, the token must be asked about again.
   * @returns whether it was answered.
   */
  learn(watch: Watch, result: CheckResult, { known, index, wasShared }: Learned): boolean {
    if (!this.#all.has(watch)) return true
    this.#rename(watch, known)
    if (result.kind === 'inactive') this.#fire(watch, result)
    else if (index !== undefined) this.#sweepOne(watch, index)
    if (!this.#all.has(watch) || known.seen !== undefined) return true
    // Facts of single-use tokens are not remembered, so only the digest can be watched.
    if (result.kind === 'active' && wasShared) return true
    this.#unseen.add(watch)
    return false
  }

  /** Another question about this token was answered: its watches now know its facts. */
  seen(digest: TokenDigest, seen: Seen, index: RevocationIndex): void {
    for (const watch of this.#byDigest.of(digest)) {
      if (watch.known.seen !== undefined) continue
      this.#rename(watch, { ...watch.known, digest, seen })
      this.#unseen.delete(watch)
      this.#sweepOne(watch, index)
    }
  }

  /** The index was replaced: watched tokens without facts may have a digest in the new one. */
  reindexed(knownOf: (raw: RawToken) => Known): void {
    for (const watch of this.#all) {
      if (watch.raw !== undefined) this.#rename(watch, knownOf(watch.raw))
    }
  }

  /** Call after new rules or a new index: calls back for the tokens they ended. */
  sweep(index: RevocationIndex, rules: readonly Rule[] | undefined): void {
    for (const watch of this.#hitBy(rules)) this.#sweepOne(watch, index)
  }

  #sweepOne(watch: Watch, index: RevocationIndex): void {
    const { digest, name, seen } = watch.known
    if (seen !== undefined) {
      const result = this.#judge(seen)
      // Expiry or replacement is no reason to disconnect.
      if (result.kind === 'inactive' && isByRule(result)) this.#fire(watch, result)
    } else if ([digest, name].some((one) => one !== undefined && index.ended.hasDigest(one)))
      this.#fire(watch, REVOKED)
  }

  fireAll(why: Unknown): void {
    for (const watch of [...this.#all]) this.#fire(watch, why)
  }

  /** Most rules end one token each; then only watches with its names are judged again. */
  #hitBy(rules: readonly Rule[] | undefined): ReadonlySet<Watch> {
    if (rules === undefined) return this.#all
    const hit = new Set<Watch>()
    for (const rule of rules) {
      if (!turnsVerdicts(rule)) continue
      if (rule.kind !== 'revoke' || rule.target.kind !== 'token') return this.#all
      for (const watch of this.#byDigest.of(rule.target.digest)) hit.add(watch)
      for (const watch of this.#byHandle.of(rule.target.handle)) hit.add(watch)
    }
    return hit
  }

  #fire(watch: Watch, ended: Inactive | Unknown): void {
    if (this.#end(watch)) watch.callback(ended)
  }

  #end(watch: Watch): boolean {
    if (!this.#all.delete(watch)) return false
    this.#unseen.delete(watch)
    this.#unname(watch)
    return true
  }

  #rename(watch: Watch, known: Known): void {
    this.#unname(watch)
    watch.known = known
    if (known.seen !== undefined) watch.raw = undefined
    this.#name(watch)
  }

  #name(watch: Watch): void {
    const { digests, handles } = namesOf(watch.known)
    for (const digest of digests) this.#byDigest.add(digest, watch)
    for (const handle of handles) this.#byHandle.add(handle, watch)
  }

  #unname(watch: Watch): void {
    const { digests, handles } = namesOf(watch.known)
    for (const digest of digests) this.#byDigest.drop(digest, watch)
    for (const handle of handles) this.#byHandle.drop(handle, watch)
  }
}

type Learned = {
  readonly known: Known
  readonly index: RevocationIndex | undefined
  /** Whether the answer was to be remembered; before there is an index, none is. */
  readonly wasShared: boolean
}

/** The names by which a rule on a single token can hit a watched one: its own, and its ancestors'. */
function namesOf({ digest, name, seen }: Known): {
  readonly digests: readonly string[]
  readonly handles: readonly string[]
} {
  const digests = [digest, name, seen?.facts.digest].flatMap((one) => one ?? [])
  const line = seen === undefined ? [] : [seen.facts, ...seen.facts.ancestors]
  return { digests, handles: line.flatMap(({ handle }) => handle ?? []) }
}

/** Watches by name. Nearly every name has just one, which is stored without a set. */
class Names<T extends object> {
  readonly #byName: Map<string, T | Set<T>> = new Map()

  of(name: string): readonly T[] {
    const found = this.#byName.get(name)
    if (found === undefined) return []
    return found instanceof Set ? [...found] : [found]
  }

  add(name: string, one: T): void {
    const found = this.#byName.get(name)
    if (found === undefined) this.#byName.set(name, one)
    else if (found instanceof Set) found.add(one)
    else if (found !== one) this.#byName.set(name, new Set([found, one]))
  }

  drop(name: string, one: T): void {
    const found = this.#byName.get(name)
    if (found === one) this.#byName.delete(name)
    else if (found instanceof Set && found.delete(one) && found.size === 0) this.#byName.delete(name)
  }
}
