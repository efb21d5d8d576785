import type { Collection } from './directory.ts'
import { shaped } from './stored-json.ts'

/**
 * What was ever agreed with an issuer and decides how long rules over its tokens are kept. It outlives the issuer's own
 * record: rules that were written under it are still there, and what is registered again under the same `iss` mints the
 * same sessions. Members only ever come or shrink.
 */
export type IssuerTerms = {
  readonly issuer: string
  /** When it was registered here first: no cutoff over its principals is older. */
  readonly registeredAtMs: number
  /** The longest that one of its sessions mints tokens; lowered, never raised. */
  readonly maxSessionSeconds?: number
  /**
   * Its tokens need not say when they were issued, or once needed not: cutoffs over its principals stay for good.
   * `announced`: those from now on; `lifted`: those from before, too.
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
