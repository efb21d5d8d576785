import { needKeys, publishedKeys, type Realm } from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import { SIGNATURE_ALGORITHMS } from '@rescind/core/tokens'
import { type Answer, jsonAnswer } from '../wire/answer.ts'
import type { OauthOptions } from './call.ts'
import { GRANT_TYPES, TOKEN_ALGORITHMS } from './directory.ts'

/** Base path of this dialect within a realm. */
export const PREFIX_PATH = '/api/id/v1'
export const TOKEN_PATH: string = `${PREFIX_PATH}/auth/token`
export const REVOKE_PATH: string = `${TOKEN_PATH}/revoke`
export const INTROSPECT_PATH: string = `${TOKEN_PATH}/introspect`
export const JWKS_PATH: string = `${PREFIX_PATH}/jwks`
/** RFC 8414 §3: the well-known part precedes the issuer's path. Some clients look for it after that path. */
export const WELL_KNOWN = '/.well-known/oauth-authorization-server'

const CONFIDENTIAL = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']
const METHODS = [...CONFIDENTIAL, 'none']

/**
 * RFC 8414 §2. `response_types_supported` is required even when empty. @param base from the configuration, never from a
 * request.
 */
export function metadata(base: string, { authorizationEndpoint }: OauthOptions): Answer {
  const document = {
    issuer: `${base}${PREFIX_PATH}`,
    ...defined({ authorization_endpoint: authorizationEndpoint }),
    token_endpoint: `${base}${TOKEN_PATH}`,
    jwks_uri: `${base}${JWKS_PATH}`,
    // §2: both lists describe flows that begin at a login page; without one, no redirect flow is offered.
    response_types_supported: authorizationEndpoint === undefined ? [] : ['code'],
    grant_types_supported:
      authorizationEndpoint === undefined
        ? GRANT_TYPES.filter((one) => one !== 'authorization_code')
        : GRANT_TYPES,
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: METHODS,
    token_endpoint_auth_signing_alg_values_supported: SIGNATURE_ALGORITHMS,
    revocation_endpoint: `${base}${REVOKE_PATH}`,
    revocation_endpoint_auth_methods_supported: METHODS,
    revocation_endpoint_auth_signing_alg_values_supported: SIGNATURE_ALGORITHMS,
    introspection_endpoint: `${base}${INTROSPECT_PATH}`,
    introspection_endpoint_auth_methods_supported: CONFIDENTIAL,
    introspection_endpoint_auth_signing_alg_values_supported: SIGNATURE_ALGORITHMS,
    introspection_signing_alg_values_supported: TOKEN_ALGORITHMS,
  }
  return jsonAnswer(200, document, { 'cache-control': 'public, max-age=300' })
}

/** RFC 7517 §5. Caches keep it for only a minute, because a revoked key disappears from it at once. */
export async function jwks(realm: Realm): Promise<Answer> {
  await needKeys(realm, TOKEN_ALGORITHMS)
  return jsonAnswer(200, { keys: await publishedKeys(realm) }, { 'cache-control': 'public, max-age=60' })
}
