import { type Entry, type Operation, putRecord, ruleOn } from '@rescind/authority'
import type { CutTarget } from '@rescind/core/log'
import { OAUTH_CLIENTS, type OauthClient } from '@rescind/dialects'
import { type Problem, problem } from '../../../http/problem.ts'
import { auditOf, commitChange } from '../../frame/change.ts'
import type { Ask } from '../../frame/endpoint.ts'
import { unlessMatches } from '../../frame/etag.ts'
import { refusedEnding } from '../rules/ending.ts'

export type Change = {
  readonly value: OauthClient
  /** Whether all that it holds ends with the change. */
  readonly ends: boolean
  readonly why?: string | undefined
}

/**
 * Writes a client's new record and, beside it, what the change ends: one unit. @returns the record as it is now;
 * undefined when it has changed meanwhile; or the problem with ending so much.
 */
export async function changeClient(
  ask: Ask,
  before: Entry<OauthClient>,
  { value, ends, why }: Change,
): Promise<Entry<OauthClient> | Problem | undefined> {
  const refused = ends ? await refusedEndOfClient(ask, before.id) : undefined
  if (refused !== undefined) return refused
  const put = { collection: OAUTH_CLIENTS, id: before.id, value, fromVersion: before.version }
  const ending = ends ? [endOfClient(ask, before.id, why)] : []
  const outcome = await commitChange(ask, [...putRecord(ask.realm, put, auditOf(ask, why)), ...ending])
  return outcome.kind === 'applied' ? { ...before, version: before.version + 1, value } : undefined
}

/** Everything that was issued to the client so far, and whatever came of it, is over. */
export function endOfClient(ask: Ask, client: string, why?: string): Operation {
  const rule = ruleOn(ask.realm, clientTarget(client))
  return { kind: 'append', row: ask.realm.row(rule, auditOf(ask, why)) }
}

/** The problem when that is more than one person may end here. */
export function refusedEndOfClient(ask: Ask, client: string): Promise<Problem | undefined> {
  return refusedEnding(ask, [clientTarget(client)])
}

function clientTarget(client: string): CutTarget {
  return { kind: 'cut', shape: 'client', principals: { source: 'oauth', client } }
}

const NONE: Problem = problem(404, 'no such client')

/** The client that the path names, as it stands in the store; or the problem with that. */
export async function namedClient(ask: Ask): Promise<Entry<OauthClient> | Problem> {
  const { entry } = await ask.realm.directory.standing(OAUTH_CLIENTS, ask.params['clientId'] ?? '')
  if (entry === undefined) return NONE
  return unlessMatches(ask.request, entry.version) ?? entry
}
