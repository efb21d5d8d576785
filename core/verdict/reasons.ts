import type { Explained } from '../explained.ts'

/** What a reason implies, for readers that do more than print it. */
type ReasonTraits = Explained & {
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
export const INACTIVE_REASONS: Readonly<Record<InactiveWhy, ReasonTraits>> = {
  unknown: {
    isByRule: false,
    isFinal: false,
    freesText: false,
    what: 'No token of this text is known here: it was never issued here, its record is gone, or its signature is wrong.',
    next: 'Get a new token. If it should be known, check the realm and the server that it was sent to.',
  },
  malformed: {
    isByRule: false,
    isFinal: true,
    freesText: false,
    what: 'The text has the form of no token: a wrong checksum, or a JWT that cannot be parsed or lacks a claim.',
    next: 'Send the token as it was issued: whole, and without quotes or spaces.',
  },
  expired: {
    isByRule: false,
    isFinal: true,
    freesText: true,
    what: 'Its lifetime has passed.',
    next: 'Refresh, or log in again.',
  },
  not_yet_valid: {
    isByRule: false,
    isFinal: false,
    freesText: false,
    what: 'Its `nbf` lies in the future.',
    next: 'Wait until then; if it should be valid, compare the clocks of issuer and server.',
  },
  revoked: {
    isByRule: true,
    isFinal: true,
    freesText: false,
    what: 'A rule ended the token, its grant, session or key, or one that it was made from.',
    next: 'Log in again. The receipt of the rule says who revoked it, and why.',
  },
  held: {
    isByRule: true,
    isFinal: false,
    freesText: false,
    what: 'A hold suspends it.',
    next: 'Wait until the hold is released or its deadline passes; then the token is active again.',
  },
  rotated: {
    isByRule: false,
    isFinal: true,
    freesText: false,
    what: 'A refresh token that was exchanged for its successor.',
    next: 'Use the successor. Presented again after the replay window, it ends the grant.',
  },
  consumed: {
    isByRule: false,
    isFinal: true,
    freesText: false,
    what: 'A code that was exchanged for tokens.',
    next: 'Begin a new login; a code is good for one exchange.',
  },
  lost: {
    isByRule: true,
    isFinal: true,
    freesText: true,
    what: 'A restore may have lost the rule that ended it, so tokens of the earlier epoch are over.',
    next: 'Log in again.',
  },
  /** Alive, but not an access token: it was presented as what it is not (`admit`). */
  not_access: {
    isByRule: false,
    isFinal: false,
    freesText: false,
    what: 'It is alive, but no access token: a refresh token or a code, say.',
    next: 'Present the access token that came with it.',
  },
}

export type UnknownWhy = 'stale' | 'starting' | 'unseen'

/** Why there is no verdict now: an outage, never an answer. */
export const UNKNOWN_REASONS: Readonly<Record<UnknownWhy, Explained>> = {
  stale: {
    what: 'The index may be behind the log, or the keys of the issuer of the token cannot be fetched.',
    next: 'Refuse the request and try again. On the server, `GET /readyz` says what is out of order.',
  },
  starting: {
    what: 'A verifier has no snapshot yet.',
    next: 'Try again in a moment. If it lasts, check the URL and the key of the verifier.',
  },
  unseen: {
    what: 'A verifier holds no facts about this token, and may not or cannot ask the server now.',
    next: 'Call `verify`, which asks the server, or try again when the server answers.',
  },
}

/** In the order of the table. */
export const UNKNOWN_WHYS: readonly UnknownWhy[] = Object.keys(UNKNOWN_REASONS).filter(isUnknownWhy)

function isUnknownWhy(why: string): why is UnknownWhy {
  return Object.hasOwn(UNKNOWN_REASONS, why)
}

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
