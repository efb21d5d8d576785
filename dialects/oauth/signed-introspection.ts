import { needActiveKey } from '@rescind/authority'
import { isObject, parseStrictJson } from '@rescind/core/bytes'
import { signJws } from '@rescind/core/tokens'
import type { Answer } from '../wire/answer.ts'
import { successText } from './answers.ts'
import type { Call } from './call.ts'
import type { OauthClient } from './directory.ts'

/** RFC 9701 §4, §5. */
export const SIGNED_TYPE = 'application/token-introspection+jwt'
const TYP = 'token-introspection+jwt'

/**
 * The answer as a JWS that names its issuer, audience and time. RFC 9701 §5: the JWS itself has no `sub` and no `exp`,
 * so that it does not pass for an access token.
 */
export async function signedAnswer(
  { realm, issuer }: Call,
  { clientId, introspectionSigningAlg }: OauthClient,
  plain: Answer,
): Promise<Answer> {
  const { signing } = await needActiveKey(realm, introspectionSigningAlg ?? 'RS256')
  const state = parseStrictJson(Buffer.from(typeof plain.body === 'string' ? plain.body : '', 'utf8'))
  const claims = {
    iss: issuer,
    aud: clientId,
    iat: Math.floor(realm.nowMs() / 1_000),
    token_introspection: isObject(state) ? state : { active: false },
  }
  const { headers } = successText('')
  return {
    status: 200,
    headers: { ...headers, 'content-type': SIGNED_TYPE },
    body: signJws(claims, TYP, signing),
  }
}
