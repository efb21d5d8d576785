import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { defined } from '../bytes/defined.ts'

/** The supported signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1). A key serves exactly one of them. */
export type SignatureAlgorithm = 'ES256' | 'RS256' | 'PS256' | 'EdDSA'

/** A key as node:crypto holds it; opaque outside this file, and not printable. */
export type SignatureKey = KeyObject

/** Members of a JWK (RFC 7517, 7518 §6, 8037), all text. */
export type KeyMembers = Readonly<Record<string, string>>

/** @returns undefined when the members are not a public key. */
export function publicKeyOf(members: KeyMembers): SignatureKey | undefined {
  try {
    return createPublicKey({ key: members, format: 'jwk' })
  } catch {
    // A point off the curve, for example; here that is an answer.
    return undefined
  }
}

/** @returns undefined when the members are not a private key. */
export function privateKeyOf(members: KeyMembers): SignatureKey | undefined {
  try {
    return createPrivateKey({ key: members, format: 'jwk' })
  } catch {
    return undefined
  }
}

/** A key's public members, as in its JWK. */
export function publicMembers(key: SignatureKey): KeyMembers {
  const { kty = '', crv, x, y, n, e } = key.export({ format: 'jwk' })
  return defined({ kty, crv, x, y, n, e })
}

/** Bits of an RSA key's modulus; 0 for keys of another kind. */
export function modulusBits(key: SignatureKey): number {
  return key.asymmetricKeyDetails?.modulusLength ?? 0
}

/** Whether this key made the signature, by exactly this algorithm. ES256 has the fixed-length form of RFC 7518 §3.4. */
export function verifySignature(by: SignedBy, signed: string, signature: Uint8Array): boolean {
  if (by.algorithm === 'ES256' && signature.length !== ES256_BYTES) return false
  try {
    return verify(hashOf(by.algorithm), Buffer.from(signed, 'latin1'), signatureOptions(by), signature)
  } catch {
    // node:crypto throws for a signature of an impossible form.
    return false
  }
}

export function signText(by: SignedBy, text: string): Buffer {
  return sign(hashOf(by.algorithm), Buffer.from(text, 'latin1'), signatureOptions(by))
}

export type SignedBy = { readonly algorithm: SignatureAlgorithm; readonly key: SignatureKey }

const ES256_BYTES = 64
/** RSA_PKCS1_PSS_PADDING; the salt has the length of the hash (RFC 7518 §3.5). */
const PSS_PADDING = 6
const PSS_SALT_BYTES = 32

function hashOf(algorithm: SignatureAlgorithm): string | null {
  return algorithm === 'EdDSA' ? null : 'sha256'
}

function signatureOptions({ algorithm, key }: SignedBy): {
  key: KeyObject
  dsaEncoding: 'ieee-p1363'
  padding?: number
  saltLength?: number
} {
  const plain = { key, dsaEncoding: 'ieee-p1363' } as const
  return algorithm === 'PS256' ? { ...plain, padding: PSS_PADDING, saltLength: PSS_SALT_BYTES } : plain
}
