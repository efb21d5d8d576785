import { defined } from '../bytes/defined.ts'
import { isObject, type Json, type JsonObject } from '../bytes/strict-json.ts'
import { sha256Base64url } from '../crypto/digests.ts'
import {
  type KeyMembers,
  modulusBits,
  privateKeyOf,
  publicKeyOf,
  publicMembers,
  type SignatureAlgorithm,
  type SignatureKey,
} from '../crypto/signatures.ts'

/** A key that checks signatures. Its algorithm is fixed at import: a token's header never decides it. */
export type VerificationKey = {
  /** RFC 7638 thumbprint; `key` rules name it. */
  readonly keyId: string
  /** The `kid` that its owner gave it, if any. */
  readonly kid?: string
  readonly algorithm: SignatureAlgorithm
  readonly key: SignatureKey
}

export type SigningKey = {
  readonly keyId: string
  readonly algorithm: SignatureAlgorithm
  readonly key: SignatureKey
}

export const SIGNATURE_ALGORITHMS: readonly SignatureAlgorithm[] = ['ES256', 'RS256', 'PS256', 'EdDSA']

/** RSA keys outside these bounds are refused: smaller ones can be factored; with larger ones a check takes milliseconds. */
const RSA_BITS_MIN = 2_048
const RSA_BITS_MAX = 8_192
/** Longest member of a key in characters: 8,192 bits in base64url, and some slack. */
const MEMBER_MAX = 1_400
const KID_MAX = 256
/** Maximum keys of a set that is registered here; fetched sets are bounded by their bytes. */
export const KEYS_MAX = 32

/** The members that identify a key of each type, in the order of RFC 7638 §3.2. */
const IDENTIFYING: ReadonlyMap<string, readonly string[]> = new Map([
  ['EC', ['crv', 'kty', 'x', 'y']],
  ['OKP', ['crv', 'kty', 'x']],
  ['RSA', ['e', 'kty', 'n']],
])

/**
 * Imports a public key from a JWK (RFC 7517). @param pinned the algorithm agreed with the owner; otherwise the JWK's own
 * `alg` counts, or the usual one of its type. @returns undefined for anything but a public signature key of a supported
 * algorithm; private and symmetric keys are refused.
 */
export function importPublicJwk(
  jwk: Json | undefined,
  pinned?: SignatureAlgorithm,
): VerificationKey | undefined {
  if (!isObject(jwk) || jwk.d !== undefined || jwk.k !== undefined || !isForSignatures(jwk)) return undefined
  const members = identifyingMembers(jwk)
  if (members === undefined) return undefined
  const algorithm = algorithmOf(members, jwk.alg, pinned)
  if (algorithm === undefined) return undefined
  const { kid } = jwk
  if (kid !== undefined && !(typeof kid === 'string' && kid.length > 0 && kid.length <= KID_MAX))
    return undefined
  const key = publicKeyOf(members)
  if (key === undefined || !isStrong(key, members)) return undefined
  const imported = { keyId: thumbprint(members), algorithm, key }
  return kid === undefined ? imported : { ...imported, kid }
}

/** The usable keys of a JWK set; other entries are ignored (RFC 7517 §5). */
export function importJwks(
  jwks: Json | undefined,
  pinned?: SignatureAlgorithm,
): readonly VerificationKey[] | undefined {
  if (!isObject(jwks) || !isList(jwks.keys)) return undefined
  return jwks.keys.flatMap((jwk) => importPublicJwk(jwk, pinned) ?? [])
}

/** Imports one of our private keys from the members it was made with. @returns undefined for anything else. */
export function importPrivateJwk(members: KeyMembers, algorithm: SignatureAlgorithm): SigningKey | undefined {
  const key = privateKeyOf(members)
  return key === undefined ? undefined : { keyId: thumbprint(members), algorithm, key }
}

/** The public half, as published. */
export function exportPublicJwk(members: KeyMembers, algorithm: SignatureAlgorithm): JsonObject {
  const names = IDENTIFYING.get(members.kty ?? '') ?? []
  const own = Object.fromEntries(names.map((name) => [name, members[name] ?? '']))
  return { ...own, kid: thumbprint(members), use: 'sig', alg: algorithm }
}

/** An imported key as it is passed on, with its algorithm and its owner's `kid`. */
export function exportVerificationJwk({ key, algorithm, kid }: VerificationKey): JsonObject {
  const members = publicMembers(key)
  return defined({ ...members, use: 'sig', alg: algorithm, kid })
}

/** RFC 7638 with SHA-256: names a key by its contents, independent of `kid`. */
export function thumbprint(members: KeyMembers): string {
  const names = IDENTIFYING.get(members.kty ?? '') ?? []
  return sha256Base64url(JSON.stringify(Object.fromEntries(names.map((name) => [name, members[name] ?? '']))))
}

/** Canonical base64url: no padding, no stray bits, so that one key has one thumbprint. */
export function isCanonicalBase64url(text: string): boolean {
  return text.length > 0 && Buffer.from(text, 'base64url').toString('base64url') === text
}

function isForSignatures({ use, key_ops }: JsonObject): boolean {
  if (use !== undefined && use !== 'sig') return false
  return key_ops === undefined || (isList(key_ops) && key_ops.includes('verify'))
}

function identifyingMembers(jwk: JsonObject): KeyMembers | undefined {
  const names = typeof jwk.kty === 'string' ? IDENTIFYING.get(jwk.kty) : undefined
  if (names === undefined) return undefined
  const members: Record<string, string> = {}
  for (const name of names) {
    const value = jwk[name]
    if (typeof value !== 'string' || value.length > MEMBER_MAX) return undefined
    if (name !== 'kty' && name !== 'crv' && !isCanonicalBase64url(value)) return undefined
    members[name] = value
  }
  return members
}

function algorithmOf(
  { kty, crv }: KeyMembers,
  said: Json | undefined,
  pinned: SignatureAlgorithm | undefined,
): SignatureAlgorithm | undefined {
  const fitting = algorithmsOf(kty, crv)
  const named = said === undefined ? undefined : algorithmNamed(said)
  if (said !== undefined && (named === undefined || !fitting.includes(named))) return undefined
  const chosen = pinned ?? named ?? fitting[0]
  if (chosen === undefined || !fitting.includes(chosen)) return undefined
  return named !== undefined && named !== chosen ? undefined : chosen
}

function algorithmsOf(kty: string | undefined, crv: string | undefined): readonly SignatureAlgorithm[] {
  if (kty === 'EC') return crv === 'P-256' ? ['ES256'] : []
  if (kty === 'OKP') return crv === 'Ed25519' ? ['EdDSA'] : []
  return kty === 'RSA' ? ['RS256', 'PS256'] : []
}

/** @returns the algorithm that a header or a key names; `Ed25519` is the newer name of EdDSA with that curve (RFC 9864). */
export function algorithmNamed(name: Json): SignatureAlgorithm | undefined {
  if (name === 'Ed25519') return 'EdDSA'
  return SIGNATURE_ALGORITHMS.find((known) => known === name)
}

function isStrong(key: SignatureKey, { kty, e }: KeyMembers): boolean {
  if (kty !== 'RSA') return true
  const bits = modulusBits(key)
  const exponent = Buffer.from(e ?? '', 'base64url')
  // 3 was once usual and enabled forgeries; an exponent as long as the modulus makes every check slow.
  const usual = exponent.length >= 3 && exponent.length <= 5 && ((exponent.at(-1) ?? 0) & 1) === 1
  return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX && usual
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}
