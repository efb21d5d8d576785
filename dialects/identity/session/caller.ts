import type { Caller, Realm } from '@rescind/authority'
import type { TokenRecord } from '@rescind/core'
import type { WireRequest } from '../../wire/request.ts'
import { IDENTITY } from '../directory/names.ts'
import type { LiveTokenContext } from './token-context.ts'

/** The caller of a write, as the log names it. The write depends on the caller's token. */
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

/** Names the impersonator behind an impersonation token in the log. */
function actingFor({ claims }: TokenRecord): string {
  const by = claims?.['impersonator']
  return typeof by === 'string' ? ` by ${IDENTITY}:${by}` : ''
}
