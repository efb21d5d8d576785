import {
  KEEP_FOREVER_MS,
  keptPast,
  type LegacyKeep,
  LIFETIME_MAX_MS,
  type RealmOrdinal,
  type Source,
} from '@rescind/core'
import type { CutoffTarget, RevokeRule } from '@rescind/core/log'
import { ISSUER_TERMS, type IssuerTerms } from '../directory/issuer-terms.ts'
import { readObject } from '../directory/stored-json.ts'
import type { Store } from '../ports.ts'
import type { NewRecord } from './writes.ts'

const DAY_MS = 86_400_000
const ISS = 'iss:'
/** The directory's collection of issuers; only its skews matter here. */
const ISSUERS_NAME = 'issuers'
/** What an issuer's skew can be, and what it counts as where nobody knows. */
export const SKEW_MAX_SECONDS = 600
const PAGE = 1_000

/** The highest expiry that a store keeps for a source: whole days, so that it is written once a day and not once a token. */
export function expiryCeiling(expiresAtMs: number): number {
  return Math.ceil(expiresAtMs / DAY_MS) * DAY_MS
}

/**
 * How long the rules of one realm are kept, from what its store holds when they commit. A rule must not leave while
 * anything that it hits can be alive, or minted, by any clock: so expiries count that were really given out, wherever
 * the clock stood then, and what a leaked key, or a session of somebody else's, can mint has no end.
 */
export class Keeping {
  readonly #highest: Map<Source, number> = new Map()
  /** As it was before anything was written by this process: what rules of older versions can hit is below it. */
  #atOpen: ReadonlyMap<Source, number> = new Map()
  readonly #terms: Map<string, IssuerTerms> = new Map()
  #doubtful = false
  readonly #skewSeconds: Map<string, number> = new Map()

  static async open(store: Store, realm: RealmOrdinal): Promise<Keeping> {
    const keeping = new Keeping()
    await keeping.reload(store, realm)
    keeping.#atOpen = new Map(keeping.#highest)
    return keeping
  }

  /** After an outcome that nobody knows: what the store has may be more than what was seen here. */
  async reload(store: Store, realm: RealmOrdinal): Promise<void> {
    for (const [source, ms] of await store.highestExpiries(realm)) this.raise(source, ms)
    for (const collection of [ISSUERS_NAME, ISSUER_TERMS.name]) {
      let after: string | undefined
      do {
        const page = await store.records(realm, { collection, after, limit: PAGE })
        for (const { body } of page.records) if (body !== undefined) this.learn({ collection, body })
        after = page.next
      } while (after !== undefined)
    }
  }

  /** A token of this source is about to be put, or extended. */
  raise(source: Source, expiresAtMs: number): void {
    if (expiresAtMs > (this.#highest.get(source) ?? 0)) this.#highest.set(source, expiryCeiling(expiresAtMs))
  }

  /** A directory record was written. Terms that cannot be read may say anything: then nothing of issuers ends. */
  learn({ collection, body }: Pick<NewRecord, 'collection' | 'body'>): void {
    if (collection === ISSUER_TERMS.name) {
      const terms = readObject(body)
      if (terms === undefined || ISSUER_TERMS.isValue?.(terms) !== true) this.#doubtful = true
      // As `isValue` has found it.
      else this.#terms.set(terms['issuer'] as string, terms as IssuerTerms)
    }
    if (collection === ISSUERS_NAME) {
      const { issuer, skewSeconds } = readObject(body) ?? {}
      if (typeof issuer === 'string' && typeof skewSeconds === 'number')
        this.#skewSeconds.set(issuer, skewSeconds)
    }
  }

  /**
   * Until when a rule is kept that commits now. What the rule itself asks for is what its target's own lifetime needs: a
   * token's stored expiry, the `exp` of a foreign token that was shown, the longest lifetime of a realm; for good where
   * the clock is known to be behind.
   */
  keepOf({ target, keepUntilMs }: RevokeRule, atMs: number): number {
    switch (target.kind) {
      case 'token':
      case 'foreign':
        return keepUntilMs
      case 'key':
        // Whoever has the key goes on signing.
        return KEEP_FOREVER_MS
      case 'grant':
        return this.#own(keepUntilMs, target.source)
      case 'session':
        return target.source.startsWith(ISS)
          ? this.#sessions(target.source, { keepUntilMs, atMs })
          : this.#own(keepUntilMs, target.source)
      case 'cut':
        return this.#cutoff(target, { keepUntilMs, atMs })
    }
  }

  /** The same for a row from before: what it asked for was counted from its own time. */
  readonly legacy: LegacyKeep = (rule) => {
    const { target, keepUntilMs } = rule
    switch (target.kind) {
      case 'token':
        return keepUntilMs
      case 'grant':
        return this.#own(keepUntilMs, target.source, this.#atOpen)
      case 'session':
        return target.source.startsWith(ISS)
          ? KEEP_FOREVER_MS
          : this.#own(keepUntilMs, target.source, this.#atOpen)
      case 'cut': {
        const { shape, basis, principals } = target
        if (basis === 'authenticated') return KEEP_FOREVER_MS
        const foreign = keepUntilMs + SKEW_MAX_SECONDS * 1_000
        if (shape === 'realm') return Math.max(foreign, this.#own(keepUntilMs, undefined, this.#atOpen))
        if (!principals.source.startsWith(ISS)) return this.#own(keepUntilMs, principals.source, this.#atOpen)
        return foreign
      }
      case 'foreign':
      case 'key':
        return KEEP_FOREVER_MS
    }
  }

  /** Whether a cutoff from before was written anew, to be kept for good, since its issuer's tokens may lack `iat`. */
  isLifted({ target }: RevokeRule): boolean {
    if (target.kind !== 'cut' || !target.principals.source.startsWith(ISS)) return false
    return this.#terms.get(target.principals.source.slice(ISS.length))?.withoutIat === 'lifted'
  }

  #cutoff({ shape, basis, principals: { source } }: CutoffTarget, asked: Asked): number {
    if (basis === 'authenticated') return this.#sessions(source, asked)
    if (shape === 'realm') {
      const isOpen = [...this.#terms.values()].some(({ withoutIat }) => withoutIat !== undefined)
      if (isOpen || this.#doubtful) return KEEP_FOREVER_MS
      return Math.max(this.#own(asked.keepUntilMs, undefined), this.#issued(undefined, asked.atMs))
    }
    if (!source.startsWith(ISS)) return this.#own(asked.keepUntilMs, source)
    const terms = this.#terms.get(source.slice(ISS.length))
    if (terms?.withoutIat !== undefined || this.#doubtful) return KEEP_FOREVER_MS
    return this.#issued(source, asked.atMs)
  }

  /** Of what we mint: any expiry that was given out counts, whatever the clock said then. No source: of all. */
  #own(
    askedMs: number,
    source: Source | undefined,
    highest: ReadonlyMap<Source, number> = this.#highest,
  ): number {
    const expiryMs =
      source === undefined
        ? [...highest.values()].reduce((most, ms) => Math.max(most, ms), 0)
        : (highest.get(source) ?? 0)
    return Math.max(askedMs, keptPast(expiryMs))
  }

  /** Of what an issuer has minted by its own clock: the highest lifetime that any issuer may be given. */
  #issued(source: Source | undefined, atMs: number, sessionMs = 0): number {
    return keptPast(atMs + this.#skewMs(source) + LIFETIME_MAX_MS + sessionMs)
  }

  /** Of what an issuer may go on minting from a login that is over here: for good, unless it ends its sessions itself. */
  #sessions(source: Source, { keepUntilMs, atMs }: Asked): number {
    const terms = this.#terms.get(source.slice(ISS.length))
    // A clock that is known to be wrong tells no end; a token that does not say when it was issued may be older than it.
    if (keepUntilMs >= KEEP_FOREVER_MS) return KEEP_FOREVER_MS
    if (terms?.maxSessionSeconds === undefined || terms.withoutIat !== undefined || this.#doubtful)
      return KEEP_FOREVER_MS
    return this.#issued(source, atMs, terms.maxSessionSeconds * 1_000)
  }

  #skewMs(source: Source | undefined): number {
    const known = source === undefined ? undefined : this.#skewSeconds.get(source.slice(ISS.length))
    return (known ?? SKEW_MAX_SECONDS) * 1_000
  }
}

type Asked = { readonly keepUntilMs: number; readonly atMs: number }
