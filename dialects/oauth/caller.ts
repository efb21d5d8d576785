import { type Caller, callerFacts, type Realm } from '@rescind/authority'
import type { Position } from '@rescind/core'
import type { OauthClient } from './directory.ts'

/** A client as the caller of a write: its id in the log and the facts that its verdict depends on. */
export function callerOf(
  realm: Realm,
  { clientId }: OauthClient,
  { from, judgedAt }: { readonly from: string; readonly judgedAt: Position },
): Caller {
  const facts = callerFacts({ source: 'oauth', client: clientId }, judgedAt)
  return { id: `oauth:${clientId}`, from, dependency: { realm: realm.ordinal, facts } }
}
