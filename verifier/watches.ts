import type { RevocationIndex, Rule, TokenDigest } from '@rescind/core'
import type { CheckResult, Inactive, Unknown } from './results.ts'
import type { Seen } from './verifier.ts'

/** Told once: why a token is over, or that nobody can say any more. */
export type OnRevoked = (ended: Inactive | Unknown) => void

/** Tokens watched at a time: connections of one process that are held open by a token. */
export const WATCHED_MAX = 100_000

type Watch = {
  known: Known
  readonly callback: OnRevoked
}
type Known = { readonly digest: TokenDigest | undefined; readonly seen: Seen | undefined }

const REVOKED: Inactive = { kind: 'inactive', why: 'revoked' }
/** Ways of ending that somebody has brought about; a token that expires, or was replaced, has done its work. */
const BY_RULE: ReadonlySet<string> = new Set(['revoked', 'held', 'lost'])

/** Who waits for a token to be revoked: sockets and streams that were opened with it. */
export class Watches {
  readonly #judge: (seen: Seen) => CheckResult
  readonly #all: Set<Watch> = new Set()
  readonly #byDigest: Names<Watch> = new Names()
  readonly #byHandle: Names<Watch> = new Names()

  constructor(judge: (seen: Seen) => CheckResult) {
    this.#judge = judge
  }

  get size(): number {
    return this.#all.size
  }

  /** For what is over already. */
  once(result: CheckResult, callback: OnRevoked): () => void {
    let isStopped = false
    queueMicrotask(() => {
      if (!isStopped && result.kind !== 'active') callback(result)
    })
    return () => {
      isStopped = true
    }
  }

  /** @throws RangeError past WATCHED_MAX: a socket that cannot be cut must not be opened. */
  add(
    known: Known,
    callback: OnRevoked,
  ): {
    readonly stop: () => void
    readonly learn: (known: Known, result: CheckResult) => void
  } {
    if (this.#all.size >= WATCHED_MAX) throw new RangeError(`more than ${WATCHED_MAX} tokens are watched`)
    const watch: Watch = { known, callback }
    this.#all.add(watch)
    this.#name(watch)
    return {
      stop: () => {
        this.#end(watch)
      },
      learn: (learned, result) => {
        // Whoever was told, or has stopped, while the question was out.
        if (!this.#end(watch)) return
        watch.known = learned
        this.#all.add(watch)
        this.#name(watch)
        if (result.kind === 'inactive') this.#fire(watch, result)
      },
    }
  }

  /** After rules have come, or a whole new index: whoever they hit is told. */
  sweep(index: RevocationIndex, rules: readonly Rule[] | undefined): void {
    for (const watch of this.#hitBy(rules)) {
      const { digest, seen } = watch.known
      if (seen !== undefined) {
        const result = this.#judge(seen)
        if (result.kind === 'inactive' && BY_RULE.has(result.why)) this.#fire(watch, result)
      } else if (digest !== undefined && index.ended.hasDigest(digest)) this.#fire(watch, REVOKED)
    }
  }

  fireAll(why: Unknown): void {
    for (const watch of [...this.#all]) this.#fire(watch, why)
  }

  /** Most rules end one token each, and then only who is watched by its names need be judged again. */
  #hitBy(rules: readonly Rule[] | undefined): ReadonlySet<Watch> {
    if (rules === undefined) return this.#all
    const hit = new Set<Watch>()
    for (const rule of rules) {
      if (rule.kind === 'change') continue
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
    const { digests, handles } = namesOf(watch.known)
    for (const digest of digests) this.#byDigest.drop(digest, watch)
    for (const handle of handles) this.#byHandle.drop(handle, watch)
    return true
  }

  #name(watch: Watch): void {
    const { digests, handles } = namesOf(watch.known)
    for (const digest of digests) this.#byDigest.add(digest, watch)
    for (const handle of handles) this.#byHandle.add(handle, watch)
  }
}

/** What a rule about a single token may call a watched one: by itself, or by what it came from. */
function namesOf({ digest, seen }: Known): {
  readonly digests: readonly string[]
  readonly handles: readonly string[]
} {
  const digests = [digest, seen?.facts.digest].flatMap((one) => one ?? [])
  const { handle, ancestors = [] } = seen?.facts ?? {}
  return {
    digests,
    handles: [...(handle === undefined ? [] : [handle]), ...ancestors.map((one) => one.handle)],
  }
}

const NOBODY: ReadonlySet<never> = new Set<never>()

class Names<T> {
  readonly #sets: Map<string, Set<T>> = new Map()

  of(name: string): ReadonlySet<T> {
    return this.#sets.get(name) ?? NOBODY
  }

  add(name: string, one: T): void {
    const set = this.#sets.get(name)
    if (set === undefined) this.#sets.set(name, new Set([one]))
    else set.add(one)
  }

  drop(name: string, one: T): void {
    const set = this.#sets.get(name)
    if (set?.delete(one) === true && set.size === 0) this.#sets.delete(name)
  }
}
