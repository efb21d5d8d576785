import { type Collection, shaped } from '@rescind/authority'

/** Where a request carries the credential that a gateway asks about; a profile names exactly one place. */
export type CredentialLocation =
  /** `Authorization: Bearer …` (RFC 6750 §2.1). */
  | { readonly from: 'authorization' }
  /** A header whose whole value is the token: `X-Auth-Token`, `IM-Authorization`, `X-Api-Key`. */
  | { readonly from: 'header'; readonly name: string }
  | { readonly from: 'cookie'; readonly name: string }

/** The demands of a route on its callers. They are stored here, because callers choose paths and queries. */
export type CheckProfile = {
  readonly name: string
  readonly credential: CredentialLocation
  /** Sources whose tokens are accepted; absent: every source of the realm. */
  readonly sources?: readonly string[]
  /** Scopes that must all have been granted. */
  readonly scopes: readonly string[]
  /** The token's audience must include one of these; absent: every audience is accepted. */
  readonly audience?: readonly string[]
  /** Whether tokens without an audience are accepted, too. */
  readonly withoutAudience?: boolean
  /** Tokens that are bound to a key (`cnf`), which no gateway can check here; absent: they are refused. */
  readonly constraint?: 'refuse' | 'report'
  /** Seconds for which a gateway may reuse "yes": a revocation takes that much longer to bite there. */
  readonly maxAgeSeconds: number
}

export const CHECK_PROFILES: Collection<CheckProfile> = {
  name: 'check-profiles',
  keys: () => [],
  // An unreadable demand must not count as no demand, so it makes the whole profile unreadable.
  isValue: shaped(
    { name: 'text', credential: 'members', scopes: 'texts', maxAgeSeconds: 'number' },
    { sources: 'texts', audience: 'texts', withoutAudience: 'flag', constraint: ['refuse', 'report'] },
  ),
}

/** What `/check` demands without a profile: any live token of the realm, as a bearer credential. */
export const PLAIN: CheckProfile = {
  name: '',
  credential: { from: 'authorization' },
  scopes: [],
  maxAgeSeconds: 0,
}
