import { type Handle, RecentMap, type TokenDigest, tokenDigest } from '@rescind/core'
import { sha256Base64url } from '@rescind/core/bytes'
import { ACCESS_TOKEN_TYP, factsOfClaims, parseJws, type RawToken, verifyJws } from '@rescind/core/tokens'
import { type Awaitable, after } from '../awaitable.ts'
import type { Keyring } from '../keys/signing-keys.ts'

/**
 * What a token of ours is known by in the store when it is a JWS: never its text, for one signature has more than one
 * text (model: ES256 `s` and `n − s`), but its `jti`. Token text holds no NUL, so no text has such a digest.
 */
export function signedDigest(digestKey: string, handle: Handle): TokenDigest {
  return tokenDigest(sha256Base64url(`${digestKey}\0jwt:${handle}`))
}

/** Verified texts remembered, by digest: a signature that held once holds for ever. */
const VERIFIED_MAX = 65_536

/** Finds out which record of ours a JWS stands for. */
export class SignedTokens {
  readonly #keyring: Keyring
  readonly #digestKey: string
  readonly #verified: RecentMap<TokenDigest, TokenDigest> = new RecentMap(VERIFIED_MAX)

  constructor(keyring: Keyring, digestKey: string) {
    this.#keyring = keyring
    this.#digestKey = digestKey
  }

  /** @returns the digest that its record has; undefined for text that none of our keys has signed as a token. */
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
