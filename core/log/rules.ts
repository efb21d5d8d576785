import type { GrantId, Handle, TokenDigest } from '../ids.ts'
import type { Position } from '../position.ts'
import type { Principals, Source } from '../records.ts'

/** The principals that a cutoff can name; other combinations do not exist. */
export type CutoffShape =
  | 'realm'
  | 'source'
  | 'tenant'
  | 'subject'
  | 'client'
  | 'subject+client'
  | 'subject+tenant'
  | 'tenant+client'

/** Their numbers in rule bytes, in snapshots and in index keys; never change one, only add. */
export const CUTOFF_SHAPE_CODE: Readonly<Record<CutoffShape, number>> = {
  realm: 0,
  source: 1,
  tenant: 2,
  subject: 3,
  client: 4,
  'subject+client': 5,
  'subject+tenant': 6,
  'tenant+client': 7,
}

/** In the order of their numbers. */
export const CUTOFF_SHAPES: readonly CutoffShape[] = Object.keys(CUTOFF_SHAPE_CODE).filter(isCutoffShape)

function isCutoffShape(name: string): name is CutoffShape {
  return Object.hasOwn(CUTOFF_SHAPE_CODE, name)
}

/** Exactly one token, grant, session or key, ended whenever it was issued. */
export type TokenTarget = {
  readonly kind: 'token'
  readonly source: Source
  readonly digest: TokenDigest
  readonly handle: Handle
}
export type ForeignTokenTarget = { readonly kind: 'foreign'; readonly issuer: string; readonly jti: string }
export type GrantTarget = { readonly kind: 'grant'; readonly source: Source; readonly grant: GrantId }
export type SessionTarget = { readonly kind: 'session'; readonly source: Source; readonly session: string }
export type KeyTarget = { readonly kind: 'key'; readonly keyId: string }
export type ExactTarget = TokenTarget | ForeignTokenTarget | GrantTarget | SessionTarget | KeyTarget

/** Numbers of exact targets in rule bytes and snapshots; never change one, only add. */
export const EXACT_CODE: Readonly<Record<ExactTarget['kind'], number>> = {
  token: 1,
  foreign: 2,
  grant: 3,
  session: 4,
  key: 5,
}

/** Everything about some principals that was issued before a moment. */
export type CutoffTarget = {
  readonly kind: 'cut'
  readonly shape: CutoffShape
  readonly principals: Principals
  /** Only tokens issued before this instant, too: a dated cutoff. */
  readonly issuedBeforeMs?: number
  /**
   * Of tokens of foreign issuers: measures the login instead of the token, because the provider's own session lives
   * on and mints anew.
   */
  readonly basis?: 'authenticated'
  /** The place and time of a hold that this turns into a revocation: it ends what was held, and nothing later. */
  readonly asOf?: CutoffAsOf
}

export type CutoffAsOf = { readonly at: Position; readonly atMs: number }

export type Target = ExactTarget | CutoffTarget

/** Ends what its target covers. `keepUntilMs`: nothing that it can hit is alive after it. */
export type RevokeRule = { readonly kind: 'revoke'; readonly target: Target; readonly keepUntilMs: number }
/** Suspends what its target covers until it is released. */
export type HoldRule = { readonly kind: 'hold'; readonly id: string; readonly target: Target }
export type ReleaseRule = { readonly kind: 'release'; readonly id: string }
/** A directory record changed. Readers drop what they cached of it; its effect on tokens is a revoke row beside it. */
export type ChangeRule = {
  readonly kind: 'change'
  readonly collection: string
  readonly id: string
  readonly version: number
}
/** A new epoch; whatever was issued before `lostBelow` is lost. */
export type EpochRule = {
  readonly kind: 'epoch'
  readonly ordinal: number
  readonly epochId: string
  readonly lostBelow: Position
}

export type Rule = RevokeRule | HoldRule | ReleaseRule | ChangeRule | EpochRule

/** A row of a realm's log as it stands on stable storage. */
export type LogRow = {
  readonly seq: number
  readonly atMs: number
  readonly kind: number
  /** Encoded by `encodeRule`. */
  readonly rule: Uint8Array
}

/** A row with what its place in the chain rests on, and the chain's value after it. */
export type ChainedLogRow = LogRow & {
  readonly auditHash: Uint8Array
  readonly chain: Uint8Array
  /** JSON text: who, why, from where. Absent when it has expired; its hash stays. */
  readonly audit?: string
}
