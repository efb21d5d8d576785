import { type Awaitable, after, RawToken, type Realm } from '@rescind/core'
import type { Bearer, Judge } from './judge.ts'
import type { CheckProfile } from './profiles.ts'

/** The one decision behind every coat: `/check`, TokenReview. */
export type Decision =
  | { readonly kind: 'allow'; readonly bearer: Bearer }
  /** Nobody is told which: no such token, revoked, expired, held, of another source, for another audience. */
  | { readonly kind: 'deny' }
  /** Live, but it was not granted what the route demands. */
  | { readonly kind: 'insufficient' }
  /** It cannot be known now: never an allowance. */
  | { readonly kind: 'unknown' }

type Question = { readonly realm: Realm; readonly text: string; readonly profile: CheckProfile }

/** @throws StoreUnavailable. */
export function decide(judge: Judge, { realm, text, profile }: Question): Awaitable<Decision> {
  const raw = RawToken.parse(text)
  if (raw === undefined) return DENY
  return after(judge(realm, raw), ({ verdict, bearer }): Decision => {
    if (verdict.kind === 'unknown') return UNKNOWN
    if (verdict.kind === 'inactive' || bearer === undefined) return DENY
    return isCredential(bearer) && fits(bearer, profile) ? granted(bearer, profile) : DENY
  })
}

const DENY: Decision = { kind: 'deny' }
const UNKNOWN: Decision = { kind: 'unknown' }

/** What a client keeps for the token endpoint alone opens no other door. */
function isCredential({ kind }: Bearer): boolean {
  return kind !== 'refresh' && kind !== 'code'
}

function fits({ source, audience }: Bearer, profile: CheckProfile): boolean {
  if (profile.sources !== undefined && !profile.sources.includes(source)) return false
  if (profile.audience === undefined) return true
  return audience?.some((one) => profile.audience?.includes(one)) === true
}

function granted(bearer: Bearer, { scopes }: CheckProfile): Decision {
  if (scopes.length === 0) return { kind: 'allow', bearer }
  const has = bearer.scope?.split(' ') ?? []
  return scopes.every((scope) => has.includes(scope)) ? { kind: 'allow', bearer } : { kind: 'insufficient' }
}
