import type { Realms } from '@rescind/core'

/** Closed, and each a label of `rescind_troubles`. */
export const TROUBLE_CODES = ['log_rolled_back', 'clock_stepped', 'clock_behind', 'upkeep_waits'] as const
export type TroubleCode = (typeof TROUBLE_CODES)[number]

/** Something that is out of order in a server that answers: where, and what an operator does about it. */
export type Trouble = { readonly code: TroubleCode; readonly realm?: string; readonly detail: string }

/** Realms whose log was proved to have been rolled back. */
export function rolledBackLogs(realms: Realms): readonly Trouble[] {
  return realms
    .all()
    .filter(({ ordinal }) => realms.ledger.isSuspended(ordinal))
    .map(({ name }) => ({ code: 'log_rolled_back', realm: name, detail: ROLLED_BACK }))
}

const ROLLED_BACK =
  'nothing is acknowledged in this realm until an operator starts a new epoch: stop the server, then `rescind epoch new`'
