import { isWhole } from '@rescind/core'
import {
  candidateKeys,
  credentialOfClaims,
  type ForeignRefused,
  factsOfClaims,
  type Known,
  type ParsedJws,
  parseJws,
  type RawToken,
  readForeign,
  type VerificationKey,
  verifyJws,
} from '@rescind/core/tokens'
import type { FeedConfig, KnownIssuer } from './source/transport.ts'

/** What signatures prove about a text. */
export type SignedRead =
  | { readonly kind: 'known'; readonly known: Known }
  | { readonly kind: 'inactive'; readonly why: 'malformed' | 'unknown' }
  /** The keys to decide are missing. */
  | { readonly kind: 'unknown' }
  /** Neither our JWS nor a registered issuer's: treated like other text. */
  | { readonly kind: 'opaque' }

/** Our own keys kept after the server stops publishing them, so that tokens they signed can still be judged. */
const OWN_KEYS_MAX = 256

const OPAQUE: SignedRead = { kind: 'opaque' }

/** Judges by signature: our JWTs, and those of registered issuers. Synchronous, without I/O. */
export class SignedTexts {
  #own: Map<string, VerificationKey> = new Map()
  #issuers: ReadonlyMap<string, KnownIssuer> = new Map()

  configure({ keys, issuers }: FeedConfig): void {
    for (const key of keys) this.#own.set(key.keyId, key)
    for (const keyId of this.#own.keys()) {
      if (this.#own.size <= OWN_KEYS_MAX) break
      this.#own.delete(keyId)
    }
    this.#issuers = new Map(issuers.map((one) => [one.issuer.issuer, one]))
  }

  read(raw: RawToken, nowMs: number): SignedRead {
    if (!raw.looksSigned) return OPAQUE
    const jws = parseJws(raw.reveal())
    if (jws === undefined) return OPAQUE
    const own = jws.kid === undefined ? undefined : this.#own.get(jws.kid)
    if (own !== undefined) return readOwn(jws, own)
    const issuer = typeof jws.claims.iss === 'string' ? this.#issuers.get(jws.claims.iss) : undefined
    return issuer === undefined ? OPAQUE : readOf(issuer, jws, nowMs)
  }
}

function readOwn(jws: ParsedJws, key: VerificationKey): SignedRead {
  if (!verifyJws(jws, key)) return { kind: 'inactive', why: 'unknown' }
  const facts = factsOfClaims(jws, key.keyId)
  // Our keys also sign things other than access tokens; those are refused.
  if (facts === undefined) return { kind: 'inactive', why: 'unknown' }
  // Its ancestors were recorded before they carried all ids that can end them: only the server knows the rest.
  if (!facts.ancestors.every(isWhole)) return OPAQUE
  return { kind: 'known', known: { facts, credential: credentialOfClaims(facts.source, jws.claims) } }
}

function readOf({ issuer, keys }: KnownIssuer, jws: ParsedJws, nowMs: number): SignedRead {
  if (keys === undefined) return { kind: 'unknown' }
  const read = readForeign({ jws, issuer, keys, nowMs })
  if (read.kind === 'facts')
    return { kind: 'known', known: { facts: read.facts, credential: read.credential } }
  // The issuer may have new keys: the server has them, or fetches them.
  if (read.why === 'unknown-key' && candidateKeys(jws, keys).length === 0) return OPAQUE
  return { kind: 'inactive', why: FORM.has(read.why) ? 'malformed' : 'unknown' }
}

const FORM: ReadonlySet<ForeignRefused> = new Set(['claims', 'lifetime'])
