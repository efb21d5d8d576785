import type { JsonObject } from '../bytes/strict-json.ts'
import type { Source } from '../records.ts'
import { isUsableKind } from '../tokens/kinds.ts'

/**
 * What is known of a credential beside whether it lives: what it may be used as. `kind` is text, not a closed type,
 * because it also comes from newer servers: a kind that is not known is refused.
 */
export type Credential = {
  readonly kind: string
  readonly source: Source
  /** Whom it was made for; absent: for nobody in particular. An empty list names nobody, and so meets no demand. */
  readonly audience?: readonly string[] | undefined
  readonly scopes: readonly string[]
  /** The key that its bearer must prove to hold (RFC 7800 §3.1; RFC 8705 §3.1, RFC 9449 §6.1). */
  readonly cnf?: JsonObject
  /** `typ` of a foreign token's header, without `application/`; its `kind` was decided by it. */
  readonly typ?: string
  /** How it came to act for somebody else; decides nothing about what it opens. */
  readonly delegated?: string
}

/** What somebody who accepts tokens demands of them. */
export type Demand = {
  /** Names that the acceptor goes by; `'any'` accepts tokens for whomever, and has to be written out. */
  readonly audience: readonly string[] | 'any'
  /** Also tokens that name no audience; implied by `'any'`. */
  readonly withoutAudience?: boolean
  /** Tokens that are bound to a key: `refuse` them as plain bearer tokens, or let them in and `report` the binding. */
  readonly constraint: 'refuse' | 'report'
  /** All of them must have been granted. */
  readonly scopes?: readonly string[]
  /** Sources whose tokens will do; absent: all. */
  readonly sources?: readonly Source[]
}

export type NotAdmitted = 'kind' | 'source' | 'audience' | 'constrained'

export type Admission =
  | { readonly kind: 'admitted' }
  /** It is not for this acceptor at all: to its bearer the same as a token that is over. */
  | { readonly kind: 'refused'; readonly why: NotAdmitted }
  /** It is accepted here, but was not granted enough. */
  | { readonly kind: 'insufficient' }

const ADMITTED: Admission = { kind: 'admitted' }
const INSUFFICIENT: Admission = { kind: 'insufficient' }

/** What a caller demands that only asks what a token is: it must be one that opens anything at all. */
export const ANY_ACCESS: Demand = { audience: 'any', constraint: 'report' }

/**
 * Whether a live credential may be used as what it is presented as. `judge` says whether it lives; this says what it
 * is good for, and everybody who accepts tokens asks it: guards, `/check`, TokenReview, verification, introspection.
 * Pure. @see RFC 6750 §3.1, RFC 9068 §4, RFC 8707 §2
 */
export function admit(credential: Credential, demand: Demand): Admission {
  if (!isUsableKind(credential.kind)) return refused('kind')
  if (demand.sources !== undefined && !demand.sources.includes(credential.source)) return refused('source')
  if (!isFor(credential.audience, demand)) return refused('audience')
  if (demand.constraint !== 'report' && credential.cnf !== undefined) return refused('constrained')
  const { scopes } = demand
  if (scopes !== undefined && !scopes.every((scope) => credential.scopes.includes(scope))) return INSUFFICIENT
  return ADMITTED
}

function isFor(audience: Credential['audience'], { audience: wanted, withoutAudience }: Demand): boolean {
  if (wanted === 'any') return true
  if (audience === undefined) return withoutAudience === true
  return audience.some((one) => wanted.includes(one))
}

const refused = (why: NotAdmitted): Admission => ({ kind: 'refused', why })
