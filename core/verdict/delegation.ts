import type { Delegation, TokenRecord } from '../records.ts'

/** Acts that make a right, or reveal its text, rather than use it. */
export type GuardedAct =
  /** Reading a secret that gives access: API keys, seeds of second factors, secrets, password reset links. */
  | 'read-secret'
  /**
   * Making, changing or removing passwords, API keys and second factors, and what governs them: login names, the address
   * that reset links go to, the number of factors demanded.
   */
  | 'change-credential'
  /** Making and removing application credentials. */
  | 'app-credential'
  /** Making what lives on after the token: users, role assignments, grants and tokens that do not end with it. */
  | 'outlive'

/** How a token acts for another subject, as far as its limits depend on it. */
type Delegated = Delegation | 'unrestricted-app-credential'

/**
 * The only table of what a delegated token may do: nothing. The one exception is Keystone's: an `unrestricted` application
 * credential makes and removes others, which end with it.
 */
const MAY: Readonly<Record<Delegated, readonly GuardedAct[]>> = {
  impersonation: [],
  'app-credential': [],
  'unrestricted-app-credential': ['app-credential'],
  exchange: [],
}

/**
 * Whether delegation lets a token do this. `isUnrestricted`: the application credential behind the token is unrestricted.
 */
export function mayDelegated(record: TokenRecord, act: GuardedAct, isUnrestricted = false): boolean {
  const delegation = delegationOf(record)
  if (delegation === undefined) return true
  const isExempt = delegation === 'app-credential' && isUnrestricted
  return MAY[isExempt ? 'unrestricted-app-credential' : delegation].includes(act)
}

/**
 * How a token came to act for another subject; undefined: its bearer acts as itself. Records older than the `delegated` mark
 * are recognised by their other members. A token made by an impersonator stays one, even after an exchange.
 */
export function delegationOf(record: TokenRecord): Delegation | undefined {
  const { delegated, claims, client, source, ancestors } = record
  if (claims?.['impersonator'] !== undefined) return 'impersonation'
  if (delegated !== undefined) return delegated
  if (source === IDENTITY) return client?.startsWith(APP_CREDENTIAL) === true ? 'app-credential' : undefined
  // In other sources only an exchange (RFC 8693) leaves ancestors.
  return ancestors.length > 0 ? 'exchange' : undefined
}

const IDENTITY = 'identity'
/** Prefix of an application credential's id in the `client` of its tokens. */
export const APP_CREDENTIAL = 'app-credential:'
