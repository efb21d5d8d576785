/** What a reason implies, for readers that do more than print it. */
type ReasonTraits = {
  /** A row of the log caused it, rather than time or use. */
  readonly isByRule: boolean
  /** Nothing makes the token active again: no release, no passing of time, no other question. */
  readonly isFinal: boolean
  /** A text that a customer chose may be given to a new token: the old one expired or was lost, but was never ended. */
  readonly freesText: boolean
}

export type InactiveWhy =
  | 'unknown'
  | 'malformed'
  | 'expired'
  | 'not_yet_valid'
  | 'revoked'
  | 'held'
  | 'rotated'
  | 'consumed'
  | 'lost'
  | 'not_access'

/**
 * The only table of reasons for an inactive token. The control API's schema, the verifier's answers and every test for "is
 * it over for good?" derive from it, so a reason without an entry does not compile.
 */
const INACTIVE_REASONS: Readonly<Record<InactiveWhy, ReasonTraits>> = {
  unknown: { isByRule: false, isFinal: false, freesText: false },
  malformed: { isByRule: false, isFinal: true, freesText: false },
  expired: { isByRule: false, isFinal: true, freesText: true },
  not_yet_valid: { isByRule: false, isFinal: false, freesText: false },
  revoked: { isByRule: true, isFinal: true, freesText: false },
  held: { isByRule: true, isFinal: false, freesText: false },
  rotated: { isByRule: false, isFinal: true, freesText: false },
  consumed: { isByRule: false, isFinal: true, freesText: false },
  lost: { isByRule: true, isFinal: true, freesText: true },
  /** Alive, but not an access token: it was presented as what it is not (`admit`). */
  not_access: { isByRule: false, isFinal: false, freesText: false },
}

/** Why there is no verdict now: an outage, never an answer. */
export type UnknownWhy = 'stale' | 'starting' | 'unseen'
export const UNKNOWN_WHYS: readonly UnknownWhy[] = ['stale', 'starting', 'unseen']

/** `unknown`: no verdict is possible now. Never render it as active. */
export type Verdict =
  | { readonly kind: 'active' }
  | { readonly kind: 'inactive'; readonly why: InactiveWhy }
  | { readonly kind: 'unknown'; readonly why: UnknownWhy }

type Judged = { readonly kind: string; readonly why?: string }

/** In the order of the table. */
export const INACTIVE_WHYS: readonly InactiveWhy[] = Object.keys(INACTIVE_REASONS).filter(isInactiveWhy)

export function isInactiveWhy(why: string): why is InactiveWhy {
  return Object.hasOwn(INACTIVE_REASONS, why)
}

/** Whether the token is over for good: nothing makes it active again. */
export function isOver({ kind, why = '' }: Judged): boolean {
  return kind === 'inactive' && isInactiveWhy(why) && INACTIVE_REASONS[why].isFinal
}

/** Whether a rule ended or suspended it, rather than time or use. */
export function isByRule({ kind, why = '' }: Judged): boolean {
  return kind === 'inactive' && isInactiveWhy(why) && INACTIVE_REASONS[why].isByRule
}

/** Whether a rule ended it for good. */
export function isEndedByRule(judged: Judged): boolean {
  return isByRule(judged) && isOver(judged)
}

/** Whether a rule suspends it: it becomes active again on release, and can still be ended. */
export function isSuspended(judged: Judged): boolean {
  return isByRule(judged) && !isOver(judged)
}

/** Whether its text, if a customer chose it, may be used for a new token. */
export function freesText({ kind, why = '' }: Judged): boolean {
  return kind === 'inactive' && isInactiveWhy(why) && INACTIVE_REASONS[why].freesText
}
