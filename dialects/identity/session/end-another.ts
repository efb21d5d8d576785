import { type Realm, type RevokeAct, revokeToken } from '@rescind/authority'
import type { TokenRecord } from '@rescind/core'
import type { Stale } from '../../wire/answer.ts'

/** A token that the caller may end, as it was judged. */
type Endable = { readonly kind: 'live' | 'held' | 'expired'; readonly record: TokenRecord }

/** Ends a token that may be another one than the caller's. */
export async function endAnother(
  realm: Realm,
  { kind, record }: Endable,
  act: Pick<RevokeAct, 'caller' | 'how'>,
): Promise<'ended' | Stale> {
  // A suspended token can be revoked, but would fail a condition that it is live.
  const revoked = await revokeToken(realm, record, kind === 'held' ? act : { ...act, onlyIfLive: record })
  return revoked.kind === 'stale' ? 'stale' : 'ended'
}
