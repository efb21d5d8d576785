import {
  ASSIGNED_LIFETIME_MAX_MS,
  expiryCeiling,
  KEEP_FOREVER_MS,
  keptPast,
  type LegacyKeep,
  LIFETIME_MAX_MS,
  type RealmOrdinal,
  type Source,
} from '@rescind/core'
import type { CutoffTarget, RevokeRule } from '@rescind/core/log'
import { foreignIssuer, isForeignSource } from '@rescind/core/tokens'
import { ISSUER_TERMS, type IssuerTerms } from '../directory/issuer-terms.ts'
import { readObject } from '../directory/stored-json.ts'
import type { Store } from '../ports.ts'
import { REALM_SETTINGS, REALM_SETTINGS_ID } from '../realm/realm-settings.ts'
import type { NewRecord } from './writes.ts'

/** The directory's collection of issuers; only their skews matter here. */
const ISSUERS_NAME = 'issuers'
/** The highest skew of an issuer, assumed when it is unknown. */
export const SKEW_MAX_SECONDS = 600
const PAGE = 1_000

/** No source has this name. */
const EVERY_SOURCE: Source = '*'

/**
 * The source whose highest expiry a rule must outlive; EVERY_SOURCE: the highest of the realm. Another process may have
 * raised it a moment ago, so a store that others write to compares once more. Undefined: no expiry of ours decides.
 */
export function keptBySource({ target }: RevokeRule): Source | undefined {
  switch (target.kind) {
    case 'token':
    case 'foreign':
    case 'key':
      return undefined
    case 'grant':
    case 'session':
      return isForeignSource(target.source) ? undefined : target.source
    case 'cut':
      if (target.shape === 'realm') return EVERY_SOURCE
      return isForeignSource(target.principals.source) ? undefined : target.principals.source
  }
}

/** The collections whose records limit what issuers can mint. */
const ISSUER_COLLECTIONS: readonly string[] = [ISSUERS_NAME, ISSUER_TERMS.name]
/** The collections whose records decide how long a realm's rules are kept. */
export const KEEP_COLLECTIONS: readonly string[] = [...ISSUER_COLLECTIONS, REALM_SETTINGS.name]

/**
 * Computes how long one realm's rules are kept, from what its store holds when they commit. A rule must not leave while
 * something that it hits can be alive, or can be minted, by any clock. So the expiries that were really given out count,
 * even if the clock was wrong then, and what a leaked key or a foreign session can still mint has no end.
 */
export class Keeping {
  readonly #highest: Map<Source, number> = new Map()
  /** The expiries before this process wrote anything: rules in rows of older versions hit nothing above them. */
  #atOpen: ReadonlyMap<Source, number> = new Map()
  readonly #terms: Map<string, IssuerTerms> = new Map()
  #doubtful = false
  /** The longest life that other processes may give a token; 0: there are no others. */
  #longestLifeMs = 0
  readonly #skewSeconds: Map<string, number> = new Map()

  static async open(store: Store, realm: RealmOrdinal): Promise<Keeping> {
    const keeping = new Keeping()
    await keeping.reload(store, realm)
    keeping.#atOpen = new Map(keeping.#highest)
    return keeping
  }

  /** Call after an unknown outcome: the store may hold more than this process saw. */
  async reload(store: Store, realm: RealmOrdinal): Promise<void> {
    for (const [source, ms] of await store.highestExpiries(realm)) this.raise(source, ms)
    if (store.isShared) this.#longestLifeMs = await longestLifeMs(store, realm)
    for (const collection of ISSUER_COLLECTIONS) {
      let after: string | undefined
      do {
        const page = await store.records(realm, { collection, after, limit: PAGE })
        for (const { body } of page.records) if (body !== undefined) this.learn({ collection, body })
        after = page.next
      } while (after !== undefined)
    }
  }

  /** Call before a token of this source is put or extended. */
  raise(source: Source, expiresAtMs: number): void {
    if (expiresAtMs > (this.#highest.get(source) ?? 0)) this.#highest.set(source, expiryCeiling(expiresAtMs))
  }

  /** A directory record was written. Unreadable terms may say anything, so cutoffs over issuers are then kept for good. */
  learn({ collection, body }: Pick<NewRecord, 'collection' | 'body'>): void {
    if (collection === ISSUER_TERMS.name) {
      const terms = readObject(body)
      if (terms === undefined || ISSUER_TERMS.isValue?.(terms) !== true) this.#doubtful = true
      // `isValue` has checked these types.
      else this.#terms.set(terms['issuer'] as string, terms as IssuerTerms)
    }
    if (collection === ISSUERS_NAME) {
      const { issuer, skewSeconds } = readObject(body) ?? {}
      if (typeof issuer === 'string' && typeof skewSeconds === 'number')
        this.#skewSeconds.set(issuer, skewSeconds)
    }
  }

  /**
   * Until when a rule that commits now is kept. The rule's own keep covers its target's lifetime: a token's stored expiry, the
   * `exp` of a presented foreign token, or the realm's longest lifetime; for good if the clock is known to be behind.
   */
  keepOf({ target, keepUntilMs }: RevokeRule, atMs: number): number {
    switch (target.kind) {
      case 'token':
      case 'foreign':
        return keepUntilMs
      case 'key':
        // A holder of the key can go on signing.
        return KEEP_FOREVER_MS
      case 'grant':
        return this.#ours(target.source, { keepUntilMs, atMs })
      case 'session':
        return isForeignSource(target.source)
          ? this.#sessions(target.source, { keepUntilMs, atMs })
          : this.#ours(target.source, { keepUntilMs, atMs })
      case 'cut':
        return this.#cutoff(target, { keepUntilMs, atMs })
    }
  }

  /** The same for a row of an older version, whose keep was counted from its own time. */
  readonly legacy: LegacyKeep = (rule) => {
    const { target, keepUntilMs } = rule
    switch (target.kind) {
      case 'token':
        return keepUntilMs
      case 'grant':
        return this.#own(keepUntilMs, target.source, this.#atOpen)
      case 'session':
        return isForeignSource(target.source)
          ? KEEP_FOREVER_MS
          : this.#own(keepUntilMs, target.source, this.#atOpen)
      case 'cut': {
        const { shape, basis, principals } = target
        if (basis === 'authenticated') return KEEP_FOREVER_MS
        const foreign = keepUntilMs + SKEW_MAX_SECONDS * 1_000
        if (shape === 'realm') return Math.max(foreign, this.#own(keepUntilMs, undefined, this.#atOpen))
        if (!isForeignSource(principals.source))
          return this.#own(keepUntilMs, principals.source, this.#atOpen)
        return foreign
      }
      case 'foreign':
      case 'key':
        return KEEP_FOREVER_MS
    }
  }

  /** Whether an older cutoff was written again to be kept for good, because its issuer's tokens may lack `iat`. */
  isLifted({ target }: RevokeRule): boolean {
    if (target.kind !== 'cut' || !isForeignSource(target.principals.source)) return false
    return this.#terms.get(foreignIssuer(target.principals.source))?.withoutIat === 'lifted'
  }

  #cutoff({ shape, basis, principals: { source } }: CutoffTarget, asked: Asked): number {
    if (basis === 'authenticated') return this.#sessions(source, asked)
    if (shape === 'realm') {
      const isOpen = [...this.#terms.values()].some(({ withoutIat }) => withoutIat !== undefined)
      if (isOpen || this.#doubtful) return KEEP_FOREVER_MS
      return Math.max(this.#ours(undefined, asked), this.#issued(undefined, asked.atMs))
    }
    if (!isForeignSource(source)) return this.#ours(source, asked)
    const terms = this.#terms.get(foreignIssuer(source))
    if (terms?.withoutIat !== undefined || this.#doubtful) return KEEP_FOREVER_MS
    return this.#issued(source, asked.atMs)
  }

  /** The same for a rule that commits now: another process may have allowed longer lives since the rule was made. */
  #ours(source: Source | undefined, { keepUntilMs, atMs }: Asked): number {
    const keptMs = this.#own(keepUntilMs, source)
    return this.#longestLifeMs === 0 ? keptMs : Math.max(keptMs, keptPast(atMs + this.#longestLifeMs))
  }

  /** For tokens that we mint: every expiry ever given out counts, even one by a wrong clock. Without a source: of all. */
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

  /** For tokens that an issuer minted by its own clock: assumes the highest lifetime that an issuer may have. */
  #issued(source: Source | undefined, atMs: number, sessionMs = 0): number {
    return keptPast(atMs + this.#skewMs(source) + LIFETIME_MAX_MS + sessionMs)
  }

  /** For tokens that an issuer can still mint from an ended login: for good, unless it limits its sessions. */
  #sessions(source: Source, { keepUntilMs, atMs }: Asked): number {
    const terms = this.#terms.get(foreignIssuer(source))
    // A clock known to be wrong shows no end; a token without an issue time may be older than the login.
    if (keepUntilMs >= KEEP_FOREVER_MS) return KEEP_FOREVER_MS
    if (terms?.maxSessionSeconds === undefined || terms.withoutIat !== undefined || this.#doubtful)
      return KEEP_FOREVER_MS
    return this.#issued(source, atMs, terms.maxSessionSeconds * 1_000)
  }

  #skewMs(source: Source | undefined): number {
    const known = source === undefined ? undefined : this.#skewSeconds.get(foreignIssuer(source))
    return (known ?? SKEW_MAX_SECONDS) * 1_000
  }
}

/** Of a realm whose settings cannot be read, the most that settings can allow. */
async function longestLifeMs(store: Store, realm: RealmOrdinal): Promise<number> {
  const record = await store.record(realm, REALM_SETTINGS.name, REALM_SETTINGS_ID)
  if (record?.body === undefined) return LIFETIME_MAX_MS
  const value = readObject(record.body)
  if (value === undefined || REALM_SETTINGS.isValue?.(value) !== true) return ASSIGNED_LIFETIME_MAX_MS
  // `isValue` has checked it.
  return (value['highestLifetimeSeconds'] as number) * 1_000
}

type Asked = { readonly keepUntilMs: number; readonly atMs: number }
