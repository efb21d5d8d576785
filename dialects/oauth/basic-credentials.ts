import type { Realm } from '@rescind/authority'
import { decodeFormText } from '../wire/form.ts'
import { decodeUtf8 } from '../wire/text.ts'

/** One reading of credentials: who it names, and the secret that would have to be theirs. */
export class Claim {
  readonly clientId: string
  readonly #secret: string
  #digestKey: string | undefined
  #digest = ''

  constructor(clientId: string, secret: string) {
    this.clientId = clientId
    this.#secret = secret
  }

  /** RFC 6749 §2.3.1: a client that has no secret may leave it empty. */
  get isBare(): boolean {
    return this.#secret === ''
  }

  /** What a realm would have kept of the secret. Whether that is right is compared every time. */
  digestIn(realm: Realm): string {
    if (this.#digestKey !== realm.keys.digestKey) {
      this.#digest = realm.secretDigest(this.#secret)
      this.#digestKey = realm.keys.digestKey
    }
    return this.#digest
  }
}

/** Authorization texts whose readings are remembered, and the longest of them: half a megabyte in all. */
export const CLAIMS_CACHED_MAX = 512
const CACHED_TEXT_MAX = 512
const remembered: Map<string, readonly Claim[]> = new Map()

/**
 * The readings of an Authorization header, remembered: a client sends the same text with every request. Nothing is
 * remembered about whether they are right: rights, secrets and their ends are looked up and compared every time.
 */
export function basicClaims(header: string): readonly Claim[] {
  const known = remembered.get(header)
  if (known !== undefined) return known
  const claims = readBasic(header)
  if (header.length > CACHED_TEXT_MAX) return claims
  // Whoever guesses fills it with guesses; then all is forgotten, and costs what it costs to read it again.
  if (remembered.size >= CLAIMS_CACHED_MAX) remembered.clear()
  remembered.set(header, claims)
  return claims
}

/**
 * Basic credentials come form-encoded, as RFC 6749 §2.3.1 says, and raw, as many clients send them: both readings are
 * tried, raw first. @returns no claims for anything but well-formed Basic credentials.
 */
function readBasic(header: string): readonly Claim[] {
  if (header.slice(0, 6).toLowerCase() !== 'basic ') return []
  const bytes = Buffer.from(header.slice(6), 'base64')
  // Some clients (authlib) send raw credentials in Latin-1. Bytes that are UTF-8 are never read so.
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

/** Form-encoded as the RFC has it; with a plus that is no space; and with nothing encoded but the colon. */
const READINGS: readonly ((text: string) => string | undefined)[] = [
  decodeFormText,
  (text) => decodeFormText(text.replaceAll('+', '%2B')),
  (text) => text.replaceAll('%3A', ':').replaceAll('%3a', ':'),
]
