import { ContractBroken, type Random, type RealmName } from '@rescind/core'
import {
  type JsonObject,
  type KeyMembers,
  parseStrictObject,
  type SignatureAlgorithm,
} from '@rescind/core/bytes'
import {
  exportPublicJwk,
  importPrivateJwk,
  importPublicJwk,
  isCanonicalBase64url,
  type SigningKey,
  thumbprint,
  type VerificationKey,
} from '@rescind/core/tokens'
import { type Awaitable, after } from '../awaitable.ts'
import type { Collection, Directory, Entry } from '../directory/directory.ts'
import { shaped } from '../directory/stored-json.ts'
import { KEY_PURPOSES } from '../kinds.ts'
import type { RealmKeys } from '../realm/realm-keys.ts'
import { seal, subkey, unseal } from './sealing.ts'

/**
 * `next` is published but does not sign yet, `active` signs, `old` is published until the last token that it signed has
 * expired, `revoked` is no longer published, and what it signed is revoked.
 */
export type SigningKeyState = 'next' | 'active' | 'old' | 'revoked'

export type SigningKeyValue = {
  readonly keyId: string
  readonly algorithm: SignatureAlgorithm
  readonly state: SigningKeyState
  readonly publicJwk: JsonObject
  /** The private half, sealed for the realm; removed once the key stops signing. */
  readonly sealed?: string
  readonly createdAtMs: number
  readonly activatedAtMs?: number
  /** When it stopped signing, by rotation or by revocation. */
  readonly retiredAtMs?: number
  /** Nothing that it signed is alive after this. */
  readonly keepUntilMs?: number
  /** The longest life of a token that it signed. Only rises, in the write that issues a longer-lived token. */
  readonly longestLifeMs: number
}

/** By thumbprint. The role is a unique key: an algorithm never has two active or two next keys. */
export const SIGNING_KEYS: Collection<SigningKeyValue> = {
  name: 'signingKeys',
  keys: ({ state, algorithm }) =>
    state === 'active' || state === 'next' ? [{ name: 'role', value: `${state}:${algorithm}` }] : [],
  isValue: shaped(
    {
      ...{ keyId: 'text', algorithm: 'text', state: ['next', 'active', 'old', 'revoked'] },
      ...{ publicJwk: 'members', createdAtMs: 'number', longestLifeMs: 'number' },
    },
    { sealed: 'text', activatedAtMs: 'number', retiredAtMs: 'number', keepUntilMs: 'number' },
  ),
}

export type ActiveKey = { readonly signing: SigningKey; readonly entry: Entry<SigningKeyValue> }

export type KeyringParts = {
  readonly directory: Directory
  readonly keys: RealmKeys
  readonly realm: RealmName
}

const THUMBPRINT_CHARS = 43
/** Maximum imported keys kept; a realm with more imports some again. */
const IMPORTED_MAX = 64

/** A realm's signing keys, ready for use. Imported keys are kept, because a thumbprint always names the same key. */
export class Keyring {
  readonly #parts: KeyringParts
  readonly #public: Map<string, VerificationKey> = new Map()
  readonly #private: Map<string, SigningKey> = new Map()
  readonly #making: Map<SignatureAlgorithm, Promise<unknown>> = new Map()

  constructor(parts: KeyringParts) {
    this.#parts = parts
  }

  /** The active key; undefined when the realm has none of this algorithm yet. */
  active(algorithm: SignatureAlgorithm): Awaitable<ActiveKey | undefined> {
    const key = { name: 'role', value: `active:${algorithm}` }
    return after(this.#parts.directory.find(SIGNING_KEYS, key), (entry) =>
      entry === undefined ? undefined : { entry, signing: this.#unsealed(entry.value) },
    )
  }

  /** The key that verifies a `kid` of ours, whatever its state; the verdict decides about that. */
  verifying(kid: string): Awaitable<VerificationKey | undefined> {
    if (kid.length !== THUMBPRINT_CHARS || !isCanonicalBase64url(kid)) return undefined
    return after(this.#parts.directory.get(SIGNING_KEYS, kid), (entry) => {
      if (entry === undefined) return undefined
      const known = this.#public.get(kid)
      if (known !== undefined) return known
      const imported = importPublicJwk(entry.value.publicJwk)
      if (imported === undefined) throw new ContractBroken('a stored signing key is no key')
      return keep(this.#public, kid, imported)
    })
  }

  /** Runs one `make` per algorithm at a time; concurrent callers share it. */
  once(algorithm: SignatureAlgorithm, make: () => Promise<unknown>): Promise<unknown> {
    const running = this.#making.get(algorithm)
    if (running !== undefined) return running
    const making = make().finally(() => this.#making.delete(algorithm))
    this.#making.set(algorithm, making)
    return making
  }

  #unsealed({ keyId, algorithm, sealed }: SigningKeyValue): SigningKey {
    const known = this.#private.get(keyId)
    if (known !== undefined) return known
    const { keys, realm } = this.#parts
    const bytes = Buffer.from(sealed ?? '', 'base64url')
    const plain = unseal(
      subkey(keys.sealKey, KEY_PURPOSES.signingKey(keyId)),
      bytes,
      associated(realm, keyId),
    )
    const members = plain === undefined ? undefined : parseStrictObject(plain)
    // Only `newKeyValue` writes these: all members are text.
    const signing = members === undefined ? undefined : importPrivateJwk(members as KeyMembers, algorithm)
    if (signing === undefined) throw new ContractBroken('a stored signing key cannot be opened')
    return keep(this.#private, keyId, signing)
  }
}

export type NewKey = {
  readonly members: KeyMembers
  readonly algorithm: SignatureAlgorithm
  readonly nowMs: number
}

/** The record of a new key, with its private half sealed for this realm. */
export function newKeyValue(
  { keys, realm, random }: Pick<KeyringParts, 'keys' | 'realm'> & { readonly random: Random },
  { members, algorithm, nowMs }: NewKey,
): SigningKeyValue {
  const keyId = thumbprint(members)
  const sealing = {
    key: subkey(keys.sealKey, KEY_PURPOSES.signingKey(keyId)),
    associated: associated(realm, keyId),
    random,
  }
  return {
    keyId,
    algorithm,
    state: 'next',
    publicJwk: exportPublicJwk(members, algorithm),
    sealed: seal(sealing, Buffer.from(JSON.stringify(members), 'utf8')).toString('base64url'),
    createdAtMs: nowMs,
    longestLifeMs: 0,
  }
}

function associated(realm: RealmName, keyId: string): string {
  return `signing-key:${realm}:${keyId}`
}

function keep<T>(into: Map<string, T>, keyId: string, value: T): T {
  if (into.size >= IMPORTED_MAX) into.clear()
  into.set(keyId, value)
  return value
}
