import { covers } from './covers.ts'
import type { RealmOrdinal } from './ids.ts'
import type { TokenFacts } from './records.ts'
import type { Target } from './rules.ts'
import type { Unit } from './units.ts'

/**
 * The rules of the units that stand earlier in one commit group: the only ones that the index does not know yet. Most
 * name one token, and are found by its handle or its digest; the few others are compared by name.
 */
export class GroupRules {
  readonly #tokens: Set<string> = new Set()
  readonly #others: { readonly realm: RealmOrdinal; readonly target: Target }[] = []

  add({ realm, operations }: Unit): void {
    for (const operation of operations) {
      if (operation.kind !== 'append') continue
      const { rule } = operation.row
      if (rule.kind !== 'revoke' && rule.kind !== 'hold') continue
      // Handles are random and digests keyed, so no two realms or sources share one. Both count: a text that is bound
      // anew has another handle.
      if (rule.target.kind === 'token') this.#tokens.add(rule.target.handle).add(rule.target.digest)
      else this.#others.push({ realm, target: rule.target })
    }
  }

  cover(realm: RealmOrdinal, facts: TokenFacts): boolean {
    if (this.#tokens.size > 0 && this.#nameToken(facts)) return true
    return this.#others.some((rule) => rule.realm === realm && covers(rule.target, facts))
  }

  #nameToken(facts: TokenFacts): boolean {
    if (facts.handle !== undefined && this.#tokens.has(facts.handle)) return true
    if (facts.digest !== undefined && this.#tokens.has(facts.digest)) return true
    return facts.ancestors.some(({ handle }) => this.#tokens.has(handle))
  }
}
