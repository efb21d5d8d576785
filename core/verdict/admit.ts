import type { JsonObject } from '../bytes/strict-json.ts'
import type { Source } from '../records.ts'
import { isUsableKind } from '../tokens/kinds.ts'

/**
 * What a credential may be used as, apart from whether it is alive. `kind` is text, not a closed type, because it also
 * comes from newer servers: an unknown kind is refused.
 */
export type Credential = {
  readonly kind: string
  readonly source: Source
  /** The audience it was made for; absent: none was named. An empty list names none, and so meets no demand. */
  readonly audience?: readonly string[] | undefined
  readonly scopes: readonly string[]
  /** The key whose possession its bearer must prove (RFC 7800 §3.1; RFC 8705 §3.1, RFC 9449 §6.1). */
  readonly cnf?: JsonObject
  /** `typ` of a foreign token's header, without `application/`; it helped to decide `kind`. */
  readonly typ?: string
  /** How it came to act for another subject; it does not change what the credential opens. */
  readonly delegated?: string
}

/** What an acceptor demands of tokens. */
export type Demand = {
  /** The acceptor's own names. `'any'` accepts tokens for all audiences, and must be written out. */
  readonly audience: readonly string[] | 'any'
  /** Also accept tokens that name no audience; implied by `'any'`. */
  readonly withoutAudience?: boolean
  /** For tokens bound to a key: `refuse` them as plain bearer tokens, or admit them and `report` the binding. */
  readonly constraint: 'refuse' | 'report'
  /** All of them must have been granted. */
  readonly scopes?: readonly string[]
  /** Sources whose tokens are accepted; absent: all. */
  readonly sources?: readonly Source[]
}

export type NotAdmitted = 'kind' | 'source' | 'audience' | 'constrained'

export type Admission =
  | { readonly kind: 'admitted' }
  /** It is not for this acceptor; its bearer sees no difference from a token that is over. */
  | { readonly kind: 'refused'; readonly why: NotAdmitted }
  /** It is accepted here, but was granted too little. */
  | { readonly kind: 'insufficient' }

const ADMITTED: Admission = { kind: 'admitted' }
const INSUFFICIENT: Admission = { kind: 'insufficient' }

/** For callers that only ask what a token is: it must be one that opens anything. */
export const ANY_ACCESS: Demand = { audience: 'any', constraint: 'report' }

/**
 * Whether a live credential may be used as what it is presented as. `judge` says whether it is alive; this says what it is
 * good for. Every acceptor asks it: guards, `/check`, TokenReview, verification, introspection.
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
