import { type TokenRecord, unreachable } from '@rescind/core'
import type { OauthClient } from './directory.ts'

/** Whether a client may learn that this token lives. Codes are no tokens: nobody learns of them. */
export function isVisible(record: TokenRecord, client: OauthClient): boolean {
  if (record.kind === 'code') return false
  switch (client.introspect) {
    case 'any':
      return true
    case 'own':
      return record.source === 'oauth' && record.client === client.clientId
    case 'audience':
      return record.source === 'oauth' && isMeantFor(record, client)
    default:
      return unreachable(client.introspect)
  }
}

function isMeantFor({ audience }: TokenRecord, { clientId, resources = [] }: OauthClient): boolean {
  if (audience === undefined) return false
  return audience.includes(clientId) || resources.some((resource) => audience.includes(resource))
}
