import type { RevocationIndex, TokenDigest } from '@rescind/core'
import type { RawToken } from '@rescind/core/tokens'

/** The name by which rules know a JWS in every spelling, beside the digest of its bytes. */
export function nameOf(raw: RawToken, { digestKey }: RevocationIndex): TokenDigest | undefined {
  return raw.isKnownByName ? raw.knownBy(digestKey) : undefined
}

export function isEnded({ ended }: RevocationIndex, digest: TokenDigest | undefined): boolean {
  return digest !== undefined && ended.hasDigest(digest)
}
