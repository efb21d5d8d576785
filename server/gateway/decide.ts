import type { Acceptor, Realm } from '@rescind/authority'
import { type Admission, admit, type Demand, unreachable } from '@rescind/core'
import { RawToken } from '@rescind/core/tokens'
import type { CheckProfile } from '../records/profiles.ts'
import type { Bearer, Judge } from './judge.ts'

/** The one decision that all protocols share: `/check`, TokenReview. */
export type Decision =
  | { readonly kind: 'allow'; readonly bearer: Bearer }
  /** One answer, so that the caller cannot tell: unknown, revoked, expired, held, not an access token, wrong audience. */
  | { readonly kind: 'deny' }
  /** Live, but without a scope that the route demands. */
  | { readonly kind: 'insufficient' }
  /** The state cannot be known now; it never allows a request. */
  | { readonly kind: 'unknown' }

type Question = {
  readonly realm: Realm
  readonly text: string
  readonly demand: Demand
  readonly acceptor: Acceptor
}

/** @throws StoreUnavailable. */
export async function decide(judge: Judge, { realm, text, demand, acceptor }: Question): Promise<Decision> {
  const raw = RawToken.parse(text)
  if (raw === undefined) return DENY
  const { verdict, bearer } = await judge(realm, raw)
  if (verdict.kind === 'unknown') return UNKNOWN
  if (verdict.kind === 'inactive' || bearer === undefined) return DENY
  const decision = decided(admit(bearer, demand), bearer)
  const { kind, source, handle, expiresAtMs } = bearer
  // A refused token was not used: trying a leaked refresh token here must not count as its use.
  if (decision.kind === 'allow') {
    if (handle !== undefined) realm.accepted({ kind, source, handle, expiresAtMs }, acceptor)
    else if (bearer.foreign !== undefined) realm.acceptedForeign(bearer, acceptor)
  }
  return decision
}

const DENY: Decision = { kind: 'deny' }
const UNKNOWN: Decision = { kind: 'unknown' }
const TOO_LITTLE: Decision = { kind: 'insufficient' }

function decided(admission: Admission, bearer: Bearer): Decision {
  switch (admission.kind) {
    case 'admitted':
      return { kind: 'allow', bearer }
    case 'insufficient':
      return TOO_LITTLE
    case 'refused':
      return DENY
    default:
      return unreachable(admission)
  }
}

/** A profile without an audience accepts tokens for every audience, as its page says. */
export function demandOf({ audience, withoutAudience, constraint, scopes, sources }: CheckProfile): Demand {
  return {
    audience: audience ?? 'any',
    ...(withoutAudience === undefined ? {} : { withoutAudience }),
    constraint: constraint ?? 'refuse',
    scopes,
    ...(sources === undefined ? {} : { sources }),
  }
}
