import { type Caller, callerFacts, type Realm } from '@rescind/authority'
import type { Position } from '@rescind/core'
import type { OauthClient } from './directory.ts'

/** A client as the log and the verdict know it. */
export function callerOf(
  realm: Realm,
  { clientId }: OauthClient,
  { from, judgedAt }: { readonly from: string; readonly judgedAt: Position },
): Caller {
  const facts = callerFacts({ source: 'oauth', client: clientId }, judgedAt)
  return { id: `oauth:${clientId}`, from, dependency: { realm: realm.ordinal, facts } }
}
