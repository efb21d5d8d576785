import type { JsonObject } from '../bytes/strict-json.ts'
import type { ParsedJws } from './jwt.ts'
import type { CredentialKind } from './kinds.ts'

/**
 * `typ` values of access tokens: RFC 9068 §2.1, RFC 7519 §5.1, and `none` for tokens without `typ`. Everything else that an
 * issuer's keys sign (logout and event tokens, proofs, requests, introspection answers, status lists …) has a `typ` of its
 * own (RFC 8725 §3.11), so a value outside this list is not an access token.
 */
export const FOREIGN_TYPES: readonly ForeignType[] = ['at+jwt', 'jwt', 'none']
export type ForeignType = 'at+jwt' | 'jwt' | 'none'

/** Claims that no access token has; each marks another type that issuers sign as `JWT` or without `typ`. */
const OTHERS_CLAIMS = [
  // ID tokens of the hybrid flow (OpenID Connect Core §3.3.2.11); `nonce` alone proves nothing.
  'at_hash',
  'c_hash',
  's_hash',
  // Logout and event tokens (Back-Channel Logout §2.4, RFC 8417 §2.2).
  'events',
  // RFC 9701 §5.
  'token_introspection',
  'status_list',
] as const

/** Marks that providers put into the body: Keycloak's `typ`, Cognito's `token_use`, Simple JWT's `token_type`. */
const OTHERS_VALUES: Readonly<Record<string, ReadonlySet<string>>> = {
  typ: new Set(['id', 'refresh', 'offline', 'logout']),
  token_use: new Set(['id', 'refresh']),
  token_type: new Set(['id', 'refresh']),
}

/** What a foreign JWS is by its `typ` and claims: an access token, or something else that its issuer signs. */
export function foreignKindOf(
  { typ, claims }: Pick<ParsedJws, 'typ' | 'claims'>,
  types: readonly ForeignType[] = FOREIGN_TYPES,
): CredentialKind {
  const isNamed = types.some((one) => (one === 'none' ? typ === undefined : one === typ))
  if (!isNamed) return 'foreign-other'
  return isMarkedOther(claims) ? 'foreign-other' : 'foreign'
}

function isMarkedOther(claims: JsonObject): boolean {
  if (OTHERS_CLAIMS.some((claim) => claims[claim] !== undefined)) return true
  return Object.entries(OTHERS_VALUES).some(([claim, values]) => {
    // Some readers take the first entry of a list, so entries of a list count as marks, too.
    const value = [claims[claim]].flat()
    return value.some((one) => typeof one === 'string' && values.has(one.toLowerCase()))
  })
}
