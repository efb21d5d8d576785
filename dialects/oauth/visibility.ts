import { ANY_ACCESS, admit, type Demand, type TokenRecord, unreachable } from '@rescind/core'
import { kindOf } from '@rescind/core/tokens'
import type { OauthClient } from './directory.ts'

/**
 * Whether introspection may tell a client that this token is live. A client sees its own refresh tokens; nobody sees
 * codes or refresh tokens of others, because a resource server only needs tokens presented to it.
 */
export function isVisible(record: TokenRecord, client: OauthClient): boolean {
  switch (client.introspect) {
    case 'any':
      return isAdmitted(record, ANY_ACCESS) || isOwn(record, client)
    case 'own':
      return isOwn(record, client)
    case 'audience':
      return record.kind === 'access' && isAdmitted(record, demandOf(client))
    default:
      return unreachable(client.introspect)
  }
}

function isOwn({ source, client, kind }: TokenRecord, { clientId }: OauthClient): boolean {
  return source === 'oauth' && client === clientId && (kind === 'access' || kind === 'refresh')
}

function isAdmitted(record: TokenRecord, demand: Demand): boolean {
  const { source, audience } = record
  return admit({ kind: kindOf(record), source, audience, scopes: NOT_ASKED }, demand).kind === 'admitted'
}

const NOT_ASKED: readonly string[] = []
const OAUTH: readonly string[] = ['oauth']

/** RFC 7662 §4: a resource server may see tokens that are meant for it. */
function demandOf({ clientId, resources = [] }: OauthClient): Demand {
  return { audience: [clientId, ...resources], constraint: 'report', sources: OAUTH }
}
