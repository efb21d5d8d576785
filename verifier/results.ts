import { INACTIVE_WHYS, type InactiveWhy, type UnknownWhy } from '@rescind/core'
import type { JsonObject } from '@rescind/core/bytes'
import type { Trouble } from './source/trouble.ts'

/** What to do with a token that looks valid when the verifier cannot prove that it is up to date. */
export type OnStale =
  /** `unknown`: nothing is accepted that might have been revoked meanwhile. */
  | 'refuse'
  /** `verify` asks the server about each token; `check` cannot, and returns `unknown`. */
  | 'ask'
  /** `active`, marked `stale`. */
  | 'allow'

export type Active = {
  readonly kind: 'active'
  /** `access`, `identity`, `chat`, `assigned` (chat text that a customer chose) or `foreign` (of a registered issuer). */
  readonly tokenKind: string
  /** The token's public id, if the server minted or stored the token. */
  readonly handle?: string
  /** The namespace of its ids: `oauth`, `identity`, `chat/{app}`, `iss:{issuer URL}`. */
  readonly source: string
  readonly subject?: string
  readonly client?: string
  readonly tenant?: string
  /** The audience it was made for; absent: none was named. */
  readonly audience?: readonly string[]
  readonly scopes: readonly string[]
  /** The key whose possession its bearer must prove (RFC 7800). Without that proof, do not accept it as a bearer token. */
  readonly cnf?: JsonObject
  /** How it acts for another subject: `impersonation`, `app-credential` or `exchange`. */
  readonly delegated?: string
  readonly expiresAtMs: number
  /** The time, in milliseconds since 1970, as of which this was certain. */
  readonly asOf: number
  /** The verifier is past its bound and may not know revocations since `asOf`. Only with `onStale: 'allow'`. */
  readonly stale?: true
}

export type Inactive = { readonly kind: 'inactive'; readonly why: InactiveWhy }

const INACTIVE: ReadonlyMap<string, Inactive> = new Map(
  INACTIVE_WHYS.map((why) => [why, { kind: 'inactive', why }]),
)
const SOMEHOW: Inactive = { kind: 'inactive', why: 'unknown' }

/** One shared object per reason. A reason that only a newer server knows still means inactive. */
export function inactiveFor(why: string): Inactive {
  return INACTIVE.get(why) ?? SOMEHOW
}

/** No verdict is possible now; never treat it as `active`. */
export type Unknown = { readonly kind: 'unknown'; readonly why: UnknownWhy }

export type CheckResult = Active | Inactive | Unknown

export type CheckOptions = {
  /** Can only be stricter than the verifier's own policy. */
  readonly onStale?: OnStale
}

/** The state of a verifier's connection to its server. */
export type ConnectionState =
  /** Nothing was received yet. */
  | 'starting'
  /** The stream is open. */
  | 'live'
  /** Reconnecting. */
  | 'disconnected'
  /** The server does not know the key. */
  | 'refused'
  /** The server's log is not the one that this verifier knows: it was rolled back. An operator has to look. */
  | 'forked'
  | 'closed'

export type VerifierStats = {
  readonly state: ConnectionState
  /** Why it does not hear from its server; undefined while it does. */
  readonly trouble: Trouble | undefined
  readonly lag: 'fresh' | 'stale' | 'starting'
  /** Time as of which all revocations are known, ms since 1970; undefined before anything is known. */
  readonly asOf: number | undefined
  /** The last row of the log that was applied. */
  readonly seq: number | undefined
  readonly epoch: number | undefined
  /** The server's id of this running verifier. */
  readonly instance: string | undefined
  readonly checks: number
  /** Questions to the server about single tokens. */
  readonly asked: number
  /** Tokens with remembered facts. */
  readonly remembered: number
  /** Acceptances that could not be reported to the server, which its answers about exposure count as dropped. */
  readonly acceptancesDropped: number
  readonly watched: number
  /** Index keys of revoked targets, and the bytes that they take. */
  readonly entries: number
  readonly entryBytes: number
  readonly connects: number
  readonly snapshots: number
  /** The result of reading the state file; undefined without one. */
  readonly stateFile: 'read' | 'older' | 'absent' | 'unreadable' | undefined
}

/** What to return, past the bound, for a token that looks valid. `never`: nothing is active any more. */
export type Policy = OnStale | 'never'

/** From strict to lax; an unknown value ranks before all of them. */
const POLICIES: readonly Policy[] = ['never', 'refuse', 'ask', 'allow']

export function isOnStale(value: unknown): value is OnStale {
  return value !== 'never' && POLICIES.some((one) => one === value)
}

/** Whether a policy lets more pass while stale than another one. */
export function isLaxer(one: Policy, than: Policy): boolean {
  return POLICIES.indexOf(one) > POLICIES.indexOf(than)
}

export function strictest(one: Policy, other: Policy): Policy {
  return isLaxer(one, other) ? other : one
}

export function laxest(all: Iterable<OnStale>): OnStale {
  let most: OnStale = 'refuse'
  for (const one of all) if (isLaxer(one, most)) most = one
  return most
}
