import type { RevocationIndex, TokenDigest } from '@rescind/core'
import type { RawToken } from '@rescind/core/tokens'

/** What a rule on a JWS may name beside its bytes: however it is spelled, it is that token. */
export function nameOf(raw: RawToken, { digestKey }: RevocationIndex): TokenDigest | undefined {
  return raw.isKnownByName ? raw.knownBy(digestKey) : undefined
}

export function isEnded({ ended }: RevocationIndex, digest: TokenDigest | undefined): boolean {
  return digest !== undefined && ended.hasDigest(digest)
}
