import { KEY_PURPOSES, type Realm, subkey } from '@rescind/authority'
import type { Handle } from '@rescind/core'
import { hmacSha256 } from '@rescind/core/bytes'
import { RawToken } from '@rescind/core/tokens'

/** `{"alg":"HS256","typ":"JWT"}`, byte for byte the header of the seed's tokens. */
const HEADER = 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9'

export type ChatJwt = {
  readonly app: string
  readonly id: string
  readonly nickname?: string | undefined
  readonly avatarUrl?: string | undefined
  readonly issuedAtMs: number
  readonly expiresAtMs: number
  readonly handle: Handle
}

/**
 * The vendor's token: an HS256 JWT whose payload holds id, nickname, avatarUrl, exp and iat in this order. Ours adds
 * `jti`, so that two tokens of one client in one second differ: otherwise revoking the first would end the second, and
 * minting again would bring a revoked text back. We treat the token as opaque: the digest of its bytes identifies it,
 * and its claims never decide a verdict.
 * @returns undefined when the profile makes it longer than a token may be.
 */
export function mintChatJwt(realm: Realm, jwt: ChatJwt): RawToken | undefined {
  const { id, nickname, avatarUrl, issuedAtMs, expiresAtMs, handle } = jwt
  const payload = JSON.stringify({
    id,
    nickname,
    avatarUrl,
    exp: Math.floor(expiresAtMs / 1_000),
    iat: Math.floor(issuedAtMs / 1_000),
    jti: handle,
  })
  const signed = `${HEADER}.${Buffer.from(payload, 'utf8').toString('base64url')}`
  const key = subkey(realm.keys.sealKey, KEY_PURPOSES.chatTokens(jwt.app))
  return RawToken.parse(`${signed}.${hmacSha256(key, signed).toString('base64url')}`)
}
