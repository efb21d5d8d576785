import { type RealmOrdinal, StoreUnavailable } from '@rescind/core'
import type { Store } from '../ports.ts'
import type { Ledger } from './ledger.ts'
import type { LogHead } from './writes.ts'

export type FoldingStore = { readonly store: Store; readonly ledger: Ledger }

/** The end of a log, read from the store after the call, and folded and published by then. @throws StoreUnavailable. */
export async function settledHead({ store, ledger }: FoldingStore, realm: RealmOrdinal): Promise<LogHead> {
  const head = await store.head(realm)
  if (ledger.foldedSeq(realm) >= head.seq) return head
  // Without other nodes, only the group in flight can be in the store already.
  if (store.isShared) await ledger.foldedThrough(realm, head)
  else await ledger.landed()
  if (ledger.foldedSeq(realm) < head.seq) throw new StoreUnavailable('the log is ahead of what was folded')
  return head
}
