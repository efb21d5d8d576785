import type { Realm } from '@rescind/authority'
import { decodeFormText } from '../wire/form.ts'
import { decodeUtf8 } from '../wire/text.ts'

/** One reading of a client's credentials: the client id and the secret that it presents. */
export class Claim {
  readonly clientId: string
  readonly #secret: string
  #digestKey: string | undefined
  #digest = ''

  constructor(clientId: string, secret: string) {
    this.clientId = clientId
    this.#secret = secret
  }

  /** RFC 6749 §2.3.1: a client without a secret may leave it empty. */
  get isBare(): boolean {
    return this.#secret === ''
  }

  /** The digest of this secret in a realm, cached for the last realm. The comparison is never cached. */
  digestIn(realm: Realm): string {
    if (this.#digestKey !== realm.keys.digestKey) {
      this.#digest = realm.secretDigest(this.#secret)
      this.#digestKey = realm.keys.digestKey
    }
    return this.#digest
  }
}

/** Bounds of the cache of parsed headers: entries, and characters of one header. Half a megabyte in all. */
export const CLAIMS_CACHED_MAX = 512
const CACHED_TEXT_MAX = 512
const remembered: Map<string, readonly Claim[]> = new Map()

/**
 * The readings of an Authorization header. They are cached, because a client sends the same text with every request.
 * Whether a secret is right is never cached: records, secrets and expiry are looked up and compared every time.
 */
export function basicClaims(header: string): readonly Claim[] {
  const known = remembered.get(header)
  if (known !== undefined) return known
  const claims = readBasic(header)
  if (header.length > CACHED_TEXT_MAX) return claims
  // Guessed credentials can fill the cache. Clearing it costs only parsing again.
  if (remembered.size >= CLAIMS_CACHED_MAX) remembered.clear()
  remembered.set(header, claims)
  return claims
}

/**
 * Basic credentials may be form-encoded, as RFC 6749 §2.3.1 says, or raw, as many clients send them. Every reading is
 * tried, raw first.
 * @returns an empty list for anything but well-formed Basic credentials.
 */
function readBasic(header: string): readonly Claim[] {
  if (header.slice(0, 6).toLowerCase() !== 'basic ') return []
  const bytes = Buffer.from(header.slice(6), 'base64')
  // Some clients (authlib) send raw Latin-1. Bytes that are valid UTF-8 are always read as UTF-8.
  const text = decodeUtf8(bytes) ?? bytes.toString('latin1')
  const split = text.indexOf(':')
  if (split < 0) return []
  const [id, secret] = [text.slice(0, split), text.slice(split + 1)]
  const raw = new Claim(id, secret)
  if (!text.includes('%') && !text.includes('+')) return [raw]
  const claims = [raw]
  for (const read of READINGS) {
    const [readId, readSecret] = [read(id), read(secret)]
    if (readId !== undefined && readSecret !== undefined) claims.push(new Claim(readId, readSecret))
  }
  return claims
}

/** Form-encoded as in the RFC; form-encoded with a literal plus; only the colon encoded. */
const READINGS: readonly ((text: string) => string | undefined)[] = [
  decodeFormText,
  (text) => decodeFormText(text.replaceAll('+', '%2B')),
  (text) => text.replaceAll('%3A', ':').replaceAll('%3a', ':'),
]
