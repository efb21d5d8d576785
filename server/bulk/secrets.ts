import type { Realm } from '@rescind/authority'
import { CONTROL_KEYS } from '../records/control-keys.ts'
import { liveKeysOf, VERIFIERS } from '../records/verifiers.ts'

/** A credential that is not a token: its kind for people, and the call that ends it. */
export type Secret = { readonly credential: string; readonly endedBy: string }

export type Digested = readonly [digest: string, secret: Secret]

/** The secrets that a dialect stores in a realm. */
export type DialectSecrets = {
  /** Digests of the secrets that are valid now. */
  readonly all: (realm: Realm) => AsyncIterable<Digested>
  /** Looks up minted text that has an index, and so is not among `all`. */
  readonly find?: (realm: Realm, text: string) => Promise<Secret | undefined>
}

/** The most secrets of one realm that are looked for; further ones are not. */
const SECRETS_MAX = 250_000

type Known = ReadonlyMap<string, Secret>

export type SecretsOf = {
  readonly realm: Realm
  readonly system: Realm
  /** The only realm of the caller's key; undefined: all. */
  readonly keysOf: string | undefined
  readonly dialects: readonly DialectSecrets[]
}

/**
 * The digests of all secrets, as of the first look-up of a call. Most records have no index by secret, so they are read
 * once per call. Only a holder of the text can compute its digest.
 */
export class Secrets {
  readonly #of: SecretsOf
  readonly #max: number
  #known: Promise<Known> | undefined
  /** Whether there were more secrets than are looked for. */
  isPartial = false

  constructor(of: SecretsOf, max: number = SECRETS_MAX) {
    this.#of = of
    this.#max = max
  }

  /** @throws StoreUnavailable */
  async find(text: string): Promise<Secret | undefined> {
    this.#known ??= this.#read()
    const known = await this.#known
    const { realm, system, dialects } = this.#of
    const secret = known.get(realm.secretDigest(text)) ?? known.get(system.secretDigest(text))
    if (secret !== undefined || realm.grammar.shapeOf(text) !== 'ours') return secret
    for (const { find } of dialects) {
      const found = await find?.(realm, text)
      if (found !== undefined) return found
    }
    return undefined
  }

  async #read(): Promise<Known> {
    const known = new Map<string, Secret>()
    for await (const [digest, secret] of this.#all()) {
      if (known.size >= this.#max) {
        this.isPartial = true
        break
      }
      known.set(digest, secret)
    }
    return known
  }

  /** The most powerful first. */
  async *#all(): AsyncGenerator<Digested, void> {
    const { realm, system, keysOf, dialects } = this.#of
    for await (const { id, value } of system.directory.all(CONTROL_KEYS)) {
      // Like `GET /control/v1/keys`: a realm's own key learns of no other realm's.
      if (keysOf !== undefined && value.realm !== keysOf) continue
      yield [
        value.keyDigest,
        { credential: 'controlKey', endedBy: `DELETE /control/v1/keys/${encodeURIComponent(id)}` },
      ]
    }
    for await (const { value } of system.directory.all(VERIFIERS)) {
      if (value.realm !== realm.name) continue
      for (const digest of liveKeysOf(value))
        yield [
          digest,
          {
            credential: 'verifierKey',
            endedBy: `DELETE /control/v1/verifiers/${encodeURIComponent(value.name)}`,
          },
        ]
    }
    for (const { all } of dialects) yield* all(realm)
  }
}
