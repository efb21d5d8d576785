import type { TokenFacts } from '@rescind/core'
import type { Target } from '@rescind/core/log'
import { foreignSource } from '@rescind/core/tokens'
import type { Finding, Judged } from './revoke-one.ts'

/** The most tokens of earlier attempts of a call that are told from tokens which had ended before. */
const ENDED_MAX = 500_000

type Ended = Pick<Finding, 'handle' | 'source' | 'jti' | 'grant'>

/**
 * Turns what is judged into what a report says: each token is ended once. In a dry run a token that is there again would
 * be over by then. In a call that goes on after an interruption, what its earlier attempts have ended is its own.
 */
export class Outcomes {
  readonly #dryRun: boolean
  readonly #ended: Map<string, Ended> = new Map()
  readonly #named: Set<string> = new Set()

  constructor(dryRun: boolean) {
    this.#dryRun = dryRun
  }

  /** Takes note of what earlier attempts of this call have ended. */
  async readEnded(targets: AsyncIterable<Target>): Promise<void> {
    for await (const target of targets) {
      this.#keep(target)
      if (this.#ended.size >= ENDED_MAX) return
    }
  }

  #keep(target: Target): void {
    if (target.kind === 'token') {
      const { source, handle } = target
      this.#ended.set(handleKey(handle), { handle, source })
      this.#ended.set(`d:${target.digest}`, { handle, source })
    } else if (target.kind === 'grant') {
      const { source, grant } = target
      this.#ended.set(grantKey(source, grant), { source, grant })
    } else if (target.kind === 'foreign') {
      const [source, { jti }] = [foreignSource(target.issuer), target]
      this.#ended.set(jtiKey(source, jti), { source, jti })
    }
  }

  /** Ask in the order of the lines. */
  of(judged: Judged): Finding {
    return this.#dryRun ? this.#once(judged) : this.#own(judged)
  }

  #once({ finding, facts }: Judged): Finding {
    if (finding.result !== 'wouldRevoke' || facts === undefined) return finding
    if (keysOf(facts).some((key) => this.#named.has(key)))
      return { ...finding, result: 'already', why: 'repeated' }
    this.#named.add(keyOf(finding))
    return finding
  }

  #own({ finding, digest }: Judged): Finding {
    if (this.#ended.size === 0) return finding
    const { result, why: _why, ...named } = finding
    if (result === 'already') return this.#take(keyOf(finding)) ? { ...named, result: 'revoked' } : finding
    const byDigest = digest === undefined ? undefined : this.#take(`d:${digest}`)
    // Its record was collected since.
    return byDigest === undefined ? finding : { result: 'revoked', ...byDigest }
  }

  #take(key: string): Ended | undefined {
    const ended = this.#ended.get(key)
    this.#ended.delete(key)
    return ended
  }
}

/** The key of what a finding ends. */
function keyOf({ handle, grant, source = '', jti }: Finding): string {
  if (grant !== undefined) return grantKey(source, grant)
  return handle === undefined ? jtiKey(source, jti ?? '') : handleKey(handle)
}

/** The keys of all rules on one token, or one grant, that end this token. */
function keysOf(facts: TokenFacts): readonly string[] {
  return [facts, ...facts.ancestors].flatMap(({ handle, source, grant, foreign }) => [
    ...(handle === undefined ? [] : [handleKey(handle)]),
    ...(grant === undefined ? [] : [grantKey(source, grant)]),
    ...(foreign === undefined ? [] : [jtiKey(source, foreign.jti)]),
  ])
}

function handleKey(handle: string): string {
  return `t:${handle}`
}

function grantKey(source: string, grant: string): string {
  return `g:${source}\0${grant}`
}

function jtiKey(source: string, jti: string): string {
  return `f:${source}\0${jti}`
}
