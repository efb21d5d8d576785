import { type Handle, RecentMap, type TokenDigest, tokenDigest } from '@rescind/core'
import { sha256Base64url } from '@rescind/core/bytes'
import { ACCESS_TOKEN_TYP, factsOfClaims, parseJws, type RawToken, verifyJws } from '@rescind/core/tokens'
import { type Awaitable, after } from '../awaitable.ts'
import type { Keyring } from '../keys/signing-keys.ts'

/**
 * The digest by which the store knows a JWT of ours: that of its `jti`, not of its text, because one signature has several
 * texts (ES256: `s` and `n − s`). Token text holds no NUL, so no text has such a digest.
 */
export function signedDigest(digestKey: string, handle: Handle): TokenDigest {
  return tokenDigest(sha256Base64url(`${digestKey}\0jwt:${handle}`))
}

/** Maximum verified texts remembered, by digest: a valid signature stays valid. */
const VERIFIED_MAX = 65_536

/** Finds the record that a JWS of ours stands for. */
export class SignedTokens {
  readonly #keyring: Keyring
  readonly #digestKey: string
  readonly #verified: RecentMap<TokenDigest, TokenDigest> = new RecentMap(VERIFIED_MAX)

  constructor(keyring: Keyring, digestKey: string) {
    this.#keyring = keyring
    this.#digestKey = digestKey
  }

  /** @returns the digest of its record; undefined for text that is not a token signed by one of our keys. */
  resolve(raw: RawToken, text: TokenDigest): Awaitable<TokenDigest | undefined> {
    const known = this.#verified.get(text)
    if (known !== undefined) return known
    const jws = parseJws(raw.reveal())
    if (jws?.kid === undefined || jws.typ !== ACCESS_TOKEN_TYP) return undefined
    return after(this.#keyring.verifying(jws.kid), (key) => {
      if (key === undefined || !verifyJws(jws, key)) return undefined
      const handle = factsOfClaims(jws, key.keyId)?.handle
      if (handle === undefined) return undefined
      const own = signedDigest(this.#digestKey, handle)
      this.#verified.set(text, own)
      return own
    })
  }
}
