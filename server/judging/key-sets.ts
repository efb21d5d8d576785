import type { IssuerValue } from '@rescind/authority'
import { parseJsonPassingOver, withoutBom } from '@rescind/core/bytes'
import { foreignKeys, type VerificationKey } from '@rescind/core/tokens'
import type { FetchAsk, Fetched, FetchFailure } from '../machine/net/guarded-fetch.ts'

/** How long a key set is used before it is asked for again. */
export const KEYS_FRESH_MS = 300_000
/** How long the last good set is used while no newer one is available; afterwards signatures cannot be judged. */
export const KEYS_AGE_MAX_MS = 86_400_000
/** Minimum time between two fetches from one issuer, so that tokens with invented key ids cannot cause more. */
export const KEYS_ASK_AGAIN_MS = 10_000
/** Key sets held; one more evicts the least recently used set of the realm that has most. */
export const KEY_SETS_MAX = 1_000
/** Bytes of a set, unpacked: about 1,500 keys. */
export const SET_MAX_BYTES = 262_144
const FETCH_TIMEOUT_MS = 5_000

export type Fetch = (url: string, ask: FetchAsk) => Promise<Fetched>

export type KeySetsParts = {
  readonly fetch: Fetch
  readonly monotonicMs: () => number
  /** Also fetch from internal addresses, and by plain http from them. */
  readonly allowInternal: boolean
  /** Called with the issuer and the reason when a set could not be fetched. */
  readonly onFailure: (issuer: string, why: string) => void
}

/** The state of fetching one issuer's keys; members for events since the start that never happened are absent. */
export type FetchState = {
  readonly isUsable: boolean
  readonly keys?: number
  readonly fetchedAgoMs?: number
  /** Of the last fetch, if it failed. */
  readonly failedAgoMs?: number
  readonly why?: string
}

type KeySet = {
  readonly realm: string
  keys: readonly VerificationKey[] | undefined
  fetchedAtMs: number
  failed: { readonly atMs: number; readonly why: string } | undefined
  askedAtMs: number
  asking: Promise<void> | undefined
}

/**
 * The keys of registered issuers: given ones, or published ones. Published keys are fetched from the registered URL
 * alone (never from one in a token), one request at a time per issuer, and cached. The last good set serves while the
 * issuer is unavailable, up to a maximum age.
 */
export class KeySets {
  readonly #parts: KeySetsParts
  /** By realm; within a realm the least recently used first. */
  readonly #sets: Map<string, Map<string, KeySet>> = new Map()
  #count = 0
  readonly #imported: WeakMap<IssuerValue, readonly VerificationKey[]> = new WeakMap()

  constructor(parts: KeySetsParts) {
    this.#parts = parts
  }

  /** Whether internal addresses, and plain http to them, may be registered. */
  get allowInternal(): boolean {
    return this.#parts.allowInternal
  }

  /** @returns undefined when the keys cannot be known now. */
  async keysOf(realm: string, issuer: IssuerValue): Promise<readonly VerificationKey[] | undefined> {
    if (issuer.jwksUrl === undefined) return this.#given(issuer)
    const set = this.#setOf(realm, issuer)
    if (!this.#isUsable(set)) await this.#ask(issuer, set)
    // The cached set is usable, so this caller does not wait for the newer one.
    else if (this.#ageOf(set) > KEYS_FRESH_MS) void this.#ask(issuer, set)
    return this.#isUsable(set) ? set.keys : undefined
  }

  /** The state of fetching, for people; it causes no fetch. @returns undefined when the keys were given. */
  stateOf(realm: string, { issuer, jwksUrl, algorithms }: IssuerValue): FetchState | undefined {
    if (jwksUrl === undefined) return undefined
    const set = this.#sets.get(realm)?.get(nameOf({ issuer, jwksUrl, algorithms }))
    const { keys, failed } = set ?? {}
    const good = set !== undefined && keys !== undefined
    return {
      ...(good ? { keys: keys.length, fetchedAgoMs: this.#ageOf(set) } : {}),
      ...(failed === undefined
        ? {}
        : { failedAgoMs: this.#parts.monotonicMs() - failed.atMs, why: failed.why }),
      isUsable: good && this.#isUsable(set),
    }
  }

  /** As `keysOf`, for a token whose key id is not in the current set: the issuer may have rotated its keys. */
  async newerKeysOf(realm: string, issuer: IssuerValue): Promise<readonly VerificationKey[] | undefined> {
    if (issuer.jwksUrl === undefined) return undefined
    const set = this.#setOf(realm, issuer)
    await this.#ask(issuer, set)
    return this.#isUsable(set) ? set.keys : undefined
  }

  /** Cached by the parsed record, which the directory holds until it changes. */
  #given(issuer: IssuerValue): readonly VerificationKey[] {
    const known = this.#imported.get(issuer)
    if (known !== undefined) return known
    const keys = foreignKeys({ keys: issuer.keys ?? [] }, issuer.algorithms) ?? []
    this.#imported.set(issuer, keys)
    return keys
  }

  #ask(issuer: IssuerValue, set: KeySet): Promise<void> {
    if (set.asking !== undefined) return set.asking
    const nowMs = this.#parts.monotonicMs()
    if (nowMs - set.askedAtMs < KEYS_ASK_AGAIN_MS) return Promise.resolve()
    set.askedAtMs = nowMs
    set.asking = this.#fetch(issuer, set).finally(() => {
      set.asking = undefined
    })
    return set.asking
  }

  /** Never rejects: a failed fetch leaves the set as it was. */
  async #fetch({ issuer, jwksUrl = '', algorithms }: IssuerValue, set: KeySet): Promise<void> {
    const { fetch, allowInternal, monotonicMs } = this.#parts
    const onFailure = (name: string, why: string): void => {
      set.failed = { atMs: monotonicMs(), why }
      this.#parts.onFailure(name, why)
    }
    const askedAtMs = monotonicMs()
    const share = { realm: set.realm, of: `issuer ${issuer}` }
    const bounds = { share, maxBytes: SET_MAX_BYTES, timeoutMs: FETCH_TIMEOUT_MS, allowInternal }
    const fetched = await fetch(jwksUrl, { ...bounds, headers: { accept: 'application/json' } })
    if (fetched.kind === 'failed') return onFailure(issuer, WORDS[fetched.why] ?? fetched.why)
    if (fetched.status !== 200) return onFailure(issuer, `status ${fetched.status}`)
    const keys = foreignKeys(parseJsonPassingOver(withoutBom(fetched.body)), algorithms)
    if (keys === undefined || keys.length === 0) return onFailure(issuer, 'no usable keys')
    set.keys = keys
    set.fetchedAtMs = askedAtMs
    set.failed = undefined
  }

  #ageOf({ fetchedAtMs }: KeySet): number {
    return this.#parts.monotonicMs() - fetchedAtMs
  }

  #isUsable(set: KeySet): boolean {
    return set.keys !== undefined && this.#ageOf(set) <= KEYS_AGE_MAX_MS
  }

  #setOf(realm: string, issuer: IssuerValue): KeySet {
    const ofRealm = this.#sets.get(realm) ?? new Map<string, KeySet>()
    this.#sets.set(realm, ofRealm)
    const name = nameOf(issuer)
    const found = ofRealm.get(name)
    const set = found ?? newSet(realm)
    ofRealm.delete(name)
    ofRealm.set(name, set)
    if (found !== undefined) return set
    this.#count += 1
    if (this.#count > KEY_SETS_MAX) this.#forgetOne()
    return set
  }

  #forgetOne(): void {
    let largest = new Map<string, KeySet>()
    for (const ofRealm of this.#sets.values()) if (ofRealm.size > largest.size) largest = ofRealm
    const [oldest] = largest.keys()
    if (oldest !== undefined && largest.delete(oldest)) this.#count -= 1
  }
}

function newSet(realm: string): KeySet {
  return {
    realm,
    keys: undefined,
    fetchedAtMs: 0,
    failed: undefined,
    askedAtMs: NEVER,
    asking: undefined,
  }
}

/** Names a set by everything it depends on: issuers and realms never share keys, even under equal key ids. */
function nameOf({
  issuer,
  jwksUrl,
  algorithms,
}: Pick<IssuerValue, 'issuer' | 'jwksUrl' | 'algorithms'>): string {
  return JSON.stringify([issuer, jwksUrl, algorithms])
}

/** Failures that an operator can act upon. */
const WORDS: Readonly<Partial<Record<FetchFailure, string>>> = {
  'too-large': `the key set is larger than ${SET_MAX_BYTES} bytes: none of it is used`,
  encoded: 'the key set is encoded in a way that is not read here, or not well',
}

const NEVER = Number.NEGATIVE_INFINITY
