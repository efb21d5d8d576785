import type { GrantId, Handle, TokenDigest } from '../ids.ts'
import type { Position } from '../position.ts'
import type { Principals, Source } from '../records.ts'

/** The combinations of principals that a cutoff can name; there are no others. */
export type CutoffShape =
  | 'realm'
  | 'source'
  | 'tenant'
  | 'subject'
  | 'client'
  | 'subject+client'
  | 'subject+tenant'
  | 'tenant+client'

/** The codes of shapes in rule bytes, snapshots and index keys. Never change one, only add. */
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

/** In the order of their codes. */
export const CUTOFF_SHAPES: readonly CutoffShape[] = Object.keys(CUTOFF_SHAPE_CODE).filter(isCutoffShape)

function isCutoffShape(name: string): name is CutoffShape {
  return Object.hasOwn(CUTOFF_SHAPE_CODE, name)
}

/** Exactly one token, grant, session or key, regardless of when it was issued. */
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

/** The codes of exact targets in rule bytes and snapshots. Never change one, only add. */
export const EXACT_CODE: Readonly<Record<ExactTarget['kind'], number>> = {
  token: 1,
  foreign: 2,
  grant: 3,
  session: 4,
  key: 5,
}

/** Everything of some principals that was issued before a position. */
export type CutoffTarget = {
  readonly kind: 'cut'
  readonly shape: CutoffShape
  readonly principals: Principals
  /** Makes it a dated cutoff: hits only tokens that were also issued before this instant. */
  readonly issuedBeforeMs?: number
  /**
   * For tokens of foreign issuers: compares the time of the login instead of the token's, because the provider's session
   * lives on and mints new tokens.
   */
  readonly basis?: 'authenticated'
  /** Position and time of the hold that this turns into a revocation: it ends what was held, and nothing later. */
  readonly asOf?: CutoffAsOf
}

export type CutoffAsOf = { readonly at: Position; readonly atMs: number }

export type Target = ExactTarget | CutoffTarget

/** Ends what its target covers. Nothing that it can hit is alive after `keepUntilMs`. */
export type RevokeRule = { readonly kind: 'revoke'; readonly target: Target; readonly keepUntilMs: number }
/** Suspends what its target covers until it is released. */
export type HoldRule = { readonly kind: 'hold'; readonly id: string; readonly target: Target }
export type ReleaseRule = { readonly kind: 'release'; readonly id: string }
/** A directory record changed: readers drop their cached copy. Its effect on tokens is a revoke row beside it. */
export type ChangeRule = {
  readonly kind: 'change'
  readonly collection: string
  readonly id: string
  readonly version: number
}
/** Begins a new epoch. Everything issued before `lostBelow` is lost. */
export type EpochRule = {
  readonly kind: 'epoch'
  readonly ordinal: number
  readonly epochId: string
  readonly lostBelow: Position
}

export type Rule = RevokeRule | HoldRule | ReleaseRule | ChangeRule | EpochRule

/** A row of a realm's log, as on stable storage. */
export type LogRow = {
  readonly seq: number
  readonly atMs: number
  readonly kind: number
  /** Encoded by `encodeRule`. */
  readonly rule: Uint8Array
}

/** A row with the audit hash that its chain value covers, and that chain value. */
export type ChainedLogRow = LogRow & {
  readonly auditHash: Uint8Array
  readonly chain: Uint8Array
  /** JSON text: who, why, from where. Absent when it has expired; its hash stays. */
  readonly audit?: string
}
