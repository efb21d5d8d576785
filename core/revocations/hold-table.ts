import { cutoffKeyOf, type IndexKey, keysOfExact } from '../log/index-keys.ts'
import type { CutoffShape, CutoffTarget, Target } from '../log/rules.ts'
import type { Position } from '../position.ts'
import type { ForeignFacts, Principals } from '../records.ts'

/** What is suspended, and since which position. */
export type Hold = { readonly target: Target; readonly at: Position }
type CutoffHold = { readonly target: CutoffTarget; readonly at: Position }

/**
 * Reversible suspensions. They are few and short-lived, so plain maps by index key are enough. Lifting one leaves every
 * other hold on the same target in force.
 */
export class HoldTable {
  readonly #holds: Map<string, Hold> = new Map()
  readonly #exact: Map<IndexKey, Set<string>> = new Map()
  readonly #cutoffs: Map<CutoffShape, Map<IndexKey, Map<string, CutoffHold>>> = new Map()
  readonly #digestKey: string

  constructor(digestKey: string) {
    this.#digestKey = digestKey
  }

  get size(): number {
    return this.#holds.size
  }

  place(id: string, target: Target, at: Position): void {
    if (this.#holds.has(id)) return
    this.#holds.set(id, { target, at })
    if (target.kind !== 'cut') {
      for (const key of keysOfExact(this.#digestKey, target)) entryOf(this.#exact, key, newIds).add(id)
      return
    }
    const key = cutoffKeyOf(this.#digestKey, target.shape, target.principals)
    if (key === undefined) return
    const ofShape = entryOf(this.#cutoffs, target.shape, newKeys)
    entryOf(ofShape, key, newCutoffs).set(id, { target, at })
  }

  /** The position at which a hold was placed; undefined when no hold with this id is in force. */
  positionOf(id: string): Position | undefined {
    return this.#holds.get(id)?.at
  }

  lift(id: string): void {
    const hold = this.#holds.get(id)
    if (hold === undefined) return
    this.#holds.delete(id)
    const { target } = hold
    if (target.kind !== 'cut') {
      for (const key of keysOfExact(this.#digestKey, target)) {
        const ids = this.#exact.get(key)
        ids?.delete(id)
        if (ids?.size === 0) this.#exact.delete(key)
      }
      return
    }
    const key = cutoffKeyOf(this.#digestKey, target.shape, target.principals)
    const ofShape = this.#cutoffs.get(target.shape)
    if (key === undefined || ofShape === undefined) return
    ofShape.get(key)?.delete(id)
    if (ofShape.get(key)?.size === 0) ofShape.delete(key)
    if (ofShape.size === 0) this.#cutoffs.delete(target.shape)
  }

  /** Every hold by its id. */
  entries(): Iterable<readonly [string, Hold]> {
    return this.#holds
  }

  holdsExact(key: IndexKey): boolean {
    return this.#exact.has(key)
  }

  /** Whether a cutoff-shaped hold covers a token of these principals: by its position and, for a dated hold, its instant. */
  holdsIssued(of: Principals, issuedAt: Position, issuedAtMs: number): boolean {
    return this.#some(of, (hold) => {
      const { issuedBeforeMs: before, basis } = hold.target
      return basis === undefined && issuedAt < hold.at && (before === undefined || issuedAtMs < before)
    })
  }

  /** The same for a foreign token. Its issuer keeps minting while the hold lasts, so an undated hold covers new tokens too. */
  holdsForeign(of: Principals, issuedAtMs: number | undefined, foreign: ForeignFacts): boolean {
    return this.#some(of, ({ target }) => foreignIsBefore(target, issuedAtMs, foreign))
  }

  /** Whether an undated hold forbids minting for these principals. */
  holdsMinting(of: Principals): boolean {
    return this.#some(of, ({ target }) => target.issuedBeforeMs === undefined && target.basis === undefined)
  }

  #some(of: Principals, test: (hold: CutoffHold) => boolean): boolean {
    for (const [shape, ofShape] of this.#cutoffs) {
      const key = cutoffKeyOf(this.#digestKey, shape, of)
      const holds = key === undefined ? undefined : ofShape.get(key)
      if (holds !== undefined && [...holds.values()].some(test)) return true
    }
    return false
  }
}

/** Whether a hold over foreign tokens covers this one: an undated hold does; a dated one, unless the token's time is later. */
export function foreignIsBefore(
  { issuedBeforeMs, basis }: CutoffTarget,
  issuedAtMs: number | undefined,
  { skewMs, authenticatedAtMs }: ForeignFacts,
): boolean {
  if (issuedBeforeMs === undefined) return true
  const itsMs = basis === 'authenticated' ? authenticatedAtMs : issuedAtMs
  return itsMs === undefined || itsMs <= issuedBeforeMs + skewMs
}

const newIds = (): Set<string> => new Set()
const newKeys = (): Map<IndexKey, Map<string, CutoffHold>> => new Map()
const newCutoffs = (): Map<string, CutoffHold> => new Map()

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}
