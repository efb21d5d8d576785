import { unreachable } from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import type { Answer, Stale } from '../wire/answer.ts'
import { badRequest, refuse } from './answers.ts'
import type { Authenticated, Call, Endpoint } from './call.ts'
import { redeemCode } from './code-grant.ts'
import { GRANT_TYPES, type GrantType, TOKEN_EXCHANGE } from './directory.ts'
import { parameter } from './endpoint-body.ts'
import { issueAnswer, mintingOf, tooLong, wrongScope, wrongTarget } from './issuing.ts'
import { refresh } from './refresh-grant.ts'
import { grantedScope } from './scopes.ts'
import { targetsOf } from './targets.ts'
import { exchange } from './token-exchange.ts'
import { accessToken } from './tokens.ts'

/** RFC 6749 §4.1.3, §4.4 and §6, and RFC 8693. */
export async function issueByGrantType(call: Call, authenticated: Authenticated): Promise<Answer | Stale> {
  const asked = parameter(call.values, 'grant_type')
  if (asked === undefined) return badRequest('grant_type is required')
  const grantType = GRANT_TYPES.find((known) => known === asked)
  if (grantType === undefined)
    return refuse(400, 'unsupported_grant_type', 'this grant type is not supported')
  if (!mayUse(authenticated, grantType))
    return refuse(400, 'unauthorized_client', 'this client may not use this grant type')
  return byGrantType(grantType)(call, authenticated)
}

/**
 * RFC 6749 §4.4: client_credentials needs a client that has some. So does token exchange, because the client acts in
 * its own name.
 */
function mayUse({ client, method }: Authenticated, grantType: GrantType): boolean {
  const isProved = method !== 'none'
  const needsProof = grantType === 'client_credentials' || grantType === TOKEN_EXCHANGE
  return client.grantTypes.includes(grantType) && (isProved || !needsProof)
}

function byGrantType(grantType: GrantType): Endpoint {
  switch (grantType) {
    case 'client_credentials':
      return clientCredentials
    case 'refresh_token':
      return refresh
    case 'authorization_code':
      return redeemCode
    case TOKEN_EXCHANGE:
      return exchange
    default:
      return unreachable(grantType)
  }
}

/** RFC 6749 §4.4: an access token about the client itself, never a refresh token (§4.4.3). */
async function clientCredentials(call: Call, authenticated: Authenticated): Promise<Answer | Stale> {
  const { client } = authenticated
  const scope = grantedScope(parameter(call.values, 'scope'), client.scopes)
  if (scope === undefined) return wrongScope()
  const targets = targetsOf(call.lists, client)
  if (targets.kind === 'refused') return wrongTarget(authenticated)
  const { audience } = targets
  const family = { subject: client.clientId, scope, ...defined({ audience }) }
  const access = await accessToken(mintingOf(call, authenticated), family)
  return access === undefined ? tooLong() : issueAnswer(call, authenticated, { texts: { access, scope } })
}
