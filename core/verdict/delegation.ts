import type { Delegation, TokenRecord } from '../records.ts'

/** What makes a right, or shows the text of one, instead of using it. */
export type GuardedAct =
  /** Reading what lets its reader in: API keys, seeds of second factors, secrets, links for a new password. */
  | 'read-secret'
  /**
   * Making, changing or removing passwords, API keys and second factors, and what decides about them: the names that
   * one logs in by, the address that links for new passwords go to, how many factors are demanded.
   */
  | 'change-credential'
  /** Making and removing application credentials. */
  | 'app-credential'
  /** Making what goes on without the token: users, assignments of roles, grants and tokens that do not end with it. */
  | 'outlive'

/** How a token acts for somebody, as far as its limits go. */
type Delegated = Delegation | 'unrestricted-app-credential'

/**
 * The one table of what a delegated token may do of that: nothing, whoever it acts for. The exception is Keystone's:
 * an application credential that was made `unrestricted` makes and removes others, which end with it.
 */
const MAY: Readonly<Record<Delegated, readonly GuardedAct[]>> = {
  impersonation: [],
  'app-credential': [],
  'unrestricted-app-credential': ['app-credential'],
  exchange: [],
}

/**
 * Whether a token may do this, as far as delegation goes. `isUnrestricted`: the application credential that it was
 * made with is.
 */
export function mayDelegated(record: TokenRecord, act: GuardedAct, isUnrestricted = false): boolean {
  const delegation = delegationOf(record)
  if (delegation === undefined) return true
  const isExempt = delegation === 'app-credential' && isUnrestricted
  return MAY[isExempt ? 'unrestricted-app-credential' : delegation].includes(act)
}

/**
 * How a token came to act for somebody; undefined: its bearer acts as itself. Records older than the mark are known
 * by what they always said. What was made by an impersonator stays that, whatever else it went through.
 */
export function delegationOf(record: TokenRecord): Delegation | undefined {
  const { delegated, claims, client, source, ancestors } = record
  if (claims?.['impersonator'] !== undefined) return 'impersonation'
  if (delegated !== undefined) return delegated
  if (source === IDENTITY) return client?.startsWith(APP_CREDENTIAL) === true ? 'app-credential' : undefined
  // Elsewhere nothing but exchange (RFC 8693) leaves ancestors.
  return ancestors.length > 0 ? 'exchange' : undefined
}

const IDENTITY = 'identity'
/** Before the id of the application credential, in the client of its tokens. */
export const APP_CREDENTIAL = 'app-credential:'
