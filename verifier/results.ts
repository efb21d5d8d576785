import { INACTIVE_WHYS, type InactiveWhy, type UnknownWhy } from '@rescind/core'
import type { JsonObject } from '@rescind/core/bytes'
import type { Trouble } from './source/trouble.ts'

/** What a verifier does with a token that is good as far as it knows, when it cannot prove that it knows enough. */
export type OnStale =
  /** `unknown`: nothing is accepted that might have been revoked meanwhile. */
  | 'refuse'
  /** `verify` asks the server about each token; `check` cannot, and says `unknown`. */
  | 'ask'
  /** `active`, marked `stale`. */
  | 'allow'

export type Active = {
  readonly kind: 'active'
  /** `access`, `identity`, `chat`, `assigned` (chat text that a customer chose) or `foreign` (of a registered issuer). */
  readonly tokenKind: string
  /** The token's public id, of tokens that the server minted or was given. */
  readonly handle?: string
  /** Where its nouns come from: `oauth`, `identity`, `chat/{app}`, `iss:{issuer URL}`. */
  readonly source: string
  readonly subject?: string
  readonly client?: string
  readonly tenant?: string
  /** Whom it was made for; absent: for nobody in particular. */
  readonly audience?: readonly string[]
  readonly scopes: readonly string[]
  /** The key that its bearer must prove to hold (RFC 7800); what sees no proof must not take it as a bearer token. */
  readonly cnf?: JsonObject
  /** It acts for somebody: `impersonation`, `app-credential` or `exchange`. */
  readonly delegated?: string
  readonly expiresAtMs: number
  /** The time, in milliseconds since 1970, as of which this was known for certain. */
  readonly asOf: number
  /** The verifier is past its bound: what was revoked since `asOf` it may not know of. Only with `onStale: 'allow'`. */
  readonly stale?: true
}

export type Inactive = { readonly kind: 'inactive'; readonly why: InactiveWhy }

const INACTIVE: ReadonlyMap<string, Inactive> = new Map(
  INACTIVE_WHYS.map((why) => [why, { kind: 'inactive', why }]),
)
const SOMEHOW: Inactive = { kind: 'inactive', why: 'unknown' }

/** One object a reason. A reason that only a newer server knows is inactive all the same. */
export function inactiveFor(why: string): Inactive {
  return INACTIVE.get(why) ?? SOMEHOW
}

/** Nobody can say now; never to be taken for `active`. */
export type Unknown = { readonly kind: 'unknown'; readonly why: UnknownWhy }

export type CheckResult = Active | Inactive | Unknown

export type CheckOptions = {
  /** Only ever stricter than the verifier's own. */
  readonly onStale?: OnStale
}

/** How a verifier stands to its server. */
export type ConnectionState =
  /** Nothing was received yet. */
  | 'starting'
  /** The stream is open. */
  | 'live'
  /** Connecting again. */
  | 'disconnected'
  /** The server does not know the key. */
  | 'refused'
  /** The server's log is not the one that this verifier knows: it was rolled back. Somebody has to look. */
  | 'forked'
  | 'closed'

export type VerifierStats = {
  readonly state: ConnectionState
  /** Why it does not hear from its server; undefined while it does. */
  readonly trouble: Trouble | undefined
  readonly lag: 'fresh' | 'stale' | 'starting'
  /** As of when everything that was revoked is known, ms since 1970; undefined before anything is. */
  readonly asOf: number | undefined
  /** The last row of the log that was applied. */
  readonly seq: number | undefined
  readonly epoch: number | undefined
  /** The server's id of this running verifier. */
  readonly instance: string | undefined
  readonly checks: number
  /** Questions to the server about single tokens. */
  readonly asked: number
  /** Tokens whose facts are remembered. */
  readonly remembered: number
  readonly watched: number
  /** Things known to be revoked, and what they take. */
  readonly entries: number
  readonly entryBytes: number
  readonly connects: number
  readonly snapshots: number
  /** What became of the state file when it was read; undefined without one. */
  readonly stateFile: 'read' | 'older' | 'absent' | 'unreadable' | undefined
}

/** What to say of a token that is good as far as is known, past the bound. `never`: nothing is good any more. */
export type Policy = OnStale | 'never'

/** The laxer one later; what is none of these comes before all of them. */
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
