import {
  type Handle,
  ORIGIN,
  type Position,
  type RealmOrdinal,
  type TokenDigest,
  type TokenFacts,
} from '@rescind/core'
import { sextetsAt } from '@rescind/core/bytes'
import { type Target, type TokenTarget, traitsOf } from '@rescind/core/log'
import { covers } from './covers.ts'
import type { Write } from './writes.ts'

/**
 * The rules of writes earlier in the same commit group, which the index does not have yet. Most name one token, and are
 * found by handle or digest; the few others are compared by name.
 */
export class GroupRules {
  /** A few bits of each name below: a quick test that most queries fail. */
  readonly #bits: Set<number> = new Set()
  readonly #tokens: TokenTarget[] = []
  readonly #others: { readonly realm: RealmOrdinal; readonly target: Target }[] = []

  /** Where a new epoch begins, tokens issued before this position are lost. */
  readonly #lostBelow: Map<RealmOrdinal, Position> = new Map()

  add({ realm, operations }: Write): void {
    for (const operation of operations) {
      if (operation.kind !== 'append') continue
      const { rule } = operation.row
      const target = traitsOf(rule).hits(rule)
      const lostBelow = traitsOf(rule).lostBelow(rule)
      if (lostBelow > ORIGIN) this.#lostBelow.set(realm, lostBelow)
      if (target === undefined) continue
      if (target.kind !== 'token') {
        this.#others.push({ realm, target })
        continue
      }
      this.#tokens.push(target)
      this.#bits.add(bitsOfDigest(target.digest)).add(bitsOfHandle(target.handle))
    }
  }

  cover(realm: RealmOrdinal, facts: TokenFacts): boolean {
    if (facts.position < (this.#lostBelow.get(realm) ?? ORIGIN)) return true
    if (this.#tokens.length > 0 && this.#nameToken(facts)) return true
    return this.#others.some((rule) => rule.realm === realm && covers(rule.target, facts))
  }

  // Handles are random and digests keyed, so no two realms or sources share one. Both are compared: a text that is bound
  // again has another handle.
  #nameToken({ digest, handle, ancestors }: TokenFacts): boolean {
    if (digest !== undefined && this.#bits.has(bitsOfDigest(digest))) {
      if (this.#tokens.some((token) => token.digest === digest)) return true
    }
    if (handle !== undefined && this.#nameHandle(handle)) return true
    return ancestors.some((up) => up.handle !== undefined && this.#nameHandle(up.handle))
  }

  #nameHandle(handle: Handle): boolean {
    return this.#bits.has(bitsOfHandle(handle)) && this.#tokens.some((token) => token.handle === handle)
  }
}

const BITS_CHARS = 5
/** Offset behind `tok_`. */
const HANDLE_AT = 4

function bitsOfDigest(digest: TokenDigest): number {
  return sextetsAt(digest, 0, BITS_CHARS)
}

function bitsOfHandle(handle: Handle): number {
  return sextetsAt(handle, HANDLE_AT, BITS_CHARS)
}
