/** What a reason says about a token, for readers that must do more than word it. */
type ReasonTraits = {
  /** A row of the log, rather than time or use, made it so. */
  readonly isByRule: boolean
  /** Nothing makes the token active again: no release of a hold, no passing of time, no other question. */
  readonly isFinal: boolean
  /** Text that a customer chose may be given to a new token: it merely ran out, or was lost, and nobody ended it. */
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
 * Why a token is inactive: the only table of it. The control API's schema, the verifier's answers and everything that
 * asks "is it over for good?" are made from it: a reason that lacks its row does not compile, and one that has it is missing nowhere.
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
  /** Alive, but no access token: it was presented as what it is not (`admit`). */
  not_access: { isByRule: false, isFinal: false, freesText: false },
}

/** Why nothing can be said now: an outage, never an answer. */
export type UnknownWhy = 'stale' | 'starting' | 'unseen'
export const UNKNOWN_WHYS: readonly UnknownWhy[] = ['stale', 'starting', 'unseen']

/** `unknown` means that we cannot know now; it is never rendered as active. */
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

/** Whether the token is over for good: nothing will make it active again. */
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

/** Whether a rule suspends it: it lives again when that is lifted, and can still be ended. */
export function isSuspended(judged: Judged): boolean {
  return isByRule(judged) && !isOver(judged)
}

/** Whether its text, if a customer chose it, may stand for a new token. */
export function freesText({ kind, why = '' }: Judged): boolean {
  return kind === 'inactive' && isInactiveWhy(why) && INACTIVE_REASONS[why].freesText
}
