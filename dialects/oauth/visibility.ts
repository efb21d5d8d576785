import { ANY_ACCESS, admit, type Demand, type TokenRecord, unreachable } from '@rescind/core'
import { kindOf } from '@rescind/core/tokens'
import type { OauthClient } from './directory.ts'

/**
 * Whether a client may learn by introspection that this token lives. Its own refresh tokens are its own affair; of
 * other's refresh tokens and of codes nobody learns, because who asks is about to accept what was presented to it.
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

/** RFC 7662 §4: a resource server learns of tokens that are meant for it. */
function demandOf({ clientId, resources = [] }: OauthClient): Demand {
  return { audience: [clientId, ...resources], constraint: 'report', sources: OAUTH }
}
