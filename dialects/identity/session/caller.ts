import type { Caller, Realm } from '@rescind/authority'
import type { TokenRecord } from '@rescind/core'
import type { WireRequest } from '../../wire/request.ts'
import { IDENTITY } from '../directory/names.ts'
import type { LiveTokenContext } from './token-context.ts'

/** Who acts, as the log names it; what it may do ends with its token. */
export function callerOf(
  realm: Realm,
  request: WireRequest,
  { user, record }: Pick<LiveTokenContext, 'user' | 'record'>,
): Caller {
  return {
    id: `${IDENTITY}:${user.id}${actingFor(record)}`,
    from: request.from,
    dependency: { realm: realm.ordinal, facts: record },
  }
}

/** Behind an impersonation token stands somebody else, and the log says so. */
function actingFor({ claims }: TokenRecord): string {
  const by = claims?.['impersonator']
  return typeof by === 'string' ? ` by ${IDENTITY}:${by}` : ''
}
