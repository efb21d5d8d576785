import type { RevocationIndex, Rule, TokenDigest } from '@rescind/core'
import type { CheckResult, Inactive, Unknown } from './results.ts'
import type { Seen } from './verifier.ts'

/** Told once: why a token is over, or that nobody can say any more. */
export type OnRevoked = (ended: Inactive | Unknown) => void

/** Tokens watched at a time: connections of one process that are held open by a token. */
export const WATCHED_MAX = 100_000

type Watch = {
  digest: TokenDigest | undefined
  seen: Seen | undefined
  readonly callback: OnRevoked
}

const REVOKED: Inactive = { kind: 'inactive', why: 'revoked' }
/** Ways of ending that somebody has brought about; a token that expires, or was replaced, has done its work. */
const BY_RULE: ReadonlySet<string> = new Set(['revoked', 'held', 'lost'])

/** Who waits for a token to be revoked: sockets and streams that were opened with it. */
export class Watches {
  readonly #judge: (seen: Seen) => CheckResult
  readonly #all: Set<Watch> = new Set()

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
    of: Pick<Watch, 'digest' | 'seen'>,
    callback: OnRevoked,
  ): {
    readonly stop: () => void
    readonly learn: (digest: TokenDigest | undefined, seen: Seen | undefined, result: CheckResult) => void
  } {
    if (this.#all.size >= WATCHED_MAX) throw new RangeError(`more than ${WATCHED_MAX} tokens are watched`)
    const watch: Watch = { ...of, callback }
    this.#all.add(watch)
    return {
      stop: () => {
        this.#all.delete(watch)
      },
      learn: (digest, seen, result) => {
        watch.digest = digest
        watch.seen = seen
        if (result.kind === 'inactive') this.#fire(watch, result)
      },
    }
  }

  /** After rules have come, or a whole new index: whoever they hit is told. */
  sweep(index: RevocationIndex, rules: readonly Rule[] | undefined): void {
    const named = rules === undefined ? undefined : namedBy(rules)
    for (const watch of this.#all) {
      const { digest, seen } = watch
      if (seen !== undefined) {
        if (named !== undefined && !isNamed(seen, named)) continue
        const result = this.#judge(seen)
        if (result.kind === 'inactive' && BY_RULE.has(result.why)) this.#fire(watch, result)
      } else if (digest !== undefined && index.ended.hasDigest(digest)) this.#fire(watch, REVOKED)
    }
  }

  fireAll(why: Unknown): void {
    for (const watch of [...this.#all]) this.#fire(watch, why)
  }

  #fire(watch: Watch, ended: Inactive | Unknown): void {
    if (this.#all.delete(watch)) watch.callback(ended)
  }
}

/** Digests and handles of single tokens. */
type Named = { readonly digests: ReadonlySet<string>; readonly handles: ReadonlySet<string> }

/**
 * Most rules end one token each; then whoever is not named need not be judged again.
 * @returns undefined when one of them may hit more than it names.
 */
function namedBy(rules: readonly Rule[]): Named | undefined {
  const [digests, handles] = [new Set<string>(), new Set<string>()]
  for (const rule of rules) {
    if (rule.kind === 'change') continue
    if (rule.kind !== 'revoke' || rule.target.kind !== 'token') return undefined
    digests.add(rule.target.digest)
    handles.add(rule.target.handle)
  }
  return { digests, handles }
}

function isNamed({ facts }: Seen, { digests, handles }: Named): boolean {
  if (facts.digest !== undefined && digests.has(facts.digest)) return true
  if (facts.handle !== undefined && handles.has(facts.handle)) return true
  return facts.ancestors.some(({ handle }) => handles.has(handle))
}
