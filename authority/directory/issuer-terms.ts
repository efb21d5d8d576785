import type { Collection } from './directory.ts'
import { shaped } from './stored-json.ts'

/**
 * The terms ever agreed with an issuer that decide how long rules over its tokens are kept. They outlive the issuer's
 * record, because rules written under them remain, and an issuer registered again under the same `iss` mints for the same
 * sessions. Terms are only added or lowered.
 */
export type IssuerTerms = {
  readonly issuer: string
  /** When it was first registered here: no cutoff over its principals is older. */
  readonly registeredAtMs: number
  /** How long one of its sessions can mint tokens; lowered, never raised. */
  readonly maxSessionSeconds?: number
  /**
   * Its tokens may lack `iat`, or once could: cutoffs over its principals are kept for good. `announced`: cutoffs from now on;
   * `lifted`: older ones, too.
   */
  readonly withoutIat?: 'announced' | 'lifted'
}

export const ISSUER_TERMS: Collection<IssuerTerms> = {
  name: 'issuerTerms',
  keys: ({ issuer }) => [{ name: 'issuer', value: issuer }],
  isValue: shaped(
    { issuer: 'text', registeredAtMs: 'number' },
    { maxSessionSeconds: 'number', withoutIat: ['announced', 'lifted'] },
  ),
}
