import type { ClientTokensAsk, Store, TokenPage } from '@rescind/authority'
import { tokenName } from '@rescind/authority/names'
import type { RealmOrdinal } from '@rescind/core'

/** Tokens of a client by the index of names, else by reading all. Others bear its name through an ancestor. */
export async function tokensOfNamedClient(
  store: Pick<Store, 'tokens' | 'tokensNamed'>,
  realm: RealmOrdinal,
  ask: ClientTokensAsk,
): Promise<TokenPage> {
  const { source, client, after, limit } = ask
  const anyOf = [[tokenName('client', source, client)]]
  const named = await store.tokensNamed(realm, { anyOf, handles: [], after, limit })
  if (named === undefined) return store.tokens(realm, ask)
  const isOwn = (one: TokenPage['records'][number]): boolean => one.source === source && one.client === client
  return { ...named, records: named.records.filter(isOwn) }
}
