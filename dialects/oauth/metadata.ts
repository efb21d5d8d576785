import { type Answer, jsonAnswer } from '../wire/answer.ts'
import { GRANT_TYPES } from './directory.ts'

/** Where the dialect lives below a realm's base. */
export const PREFIX_PATH = '/api/id/v1'
export const TOKEN_PATH: string = `${PREFIX_PATH}/auth/token`
export const REVOKE_PATH: string = `${TOKEN_PATH}/revoke`
export const INTROSPECT_PATH: string = `${TOKEN_PATH}/introspect`
/** RFC 8414 §3: the well-known part stands before the issuer's path; some clients look for it below. */
export const WELL_KNOWN = '/.well-known/oauth-authorization-server'

const METHODS = ['client_secret_basic', 'client_secret_post']

/** RFC 8414 §2; members whose list would be empty are left out. @param base fixed per realm, never from a request. */
export function metadata(base: string): Answer {
  const document = {
    issuer: `${base}${PREFIX_PATH}`,
    token_endpoint: `${base}${TOKEN_PATH}`,
    token_endpoint_auth_methods_supported: METHODS,
    grant_types_supported: GRANT_TYPES,
    revocation_endpoint: `${base}${REVOKE_PATH}`,
    revocation_endpoint_auth_methods_supported: METHODS,
    introspection_endpoint: `${base}${INTROSPECT_PATH}`,
    introspection_endpoint_auth_methods_supported: METHODS,
  }
  return jsonAnswer(200, document, { 'cache-control': 'public, max-age=300' })
}
