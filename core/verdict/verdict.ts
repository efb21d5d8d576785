import type { TokenDigest } from '../ids.ts'
import {
  cutoffKeyOf,
  digestKeyOf,
  foreignKeyOf,
  grantKeyOf,
  handleKeyOf,
  sessionKeyOf,
  signingKeyOf,
} from '../log/index-keys.ts'
import type { CutoffShape } from '../log/rules.ts'
import type { Ancestor, Principals, TokenFacts } from '../records.ts'
import type { RevocationIndex } from '../revocations/revocation-index.ts'
import { foreignIssuer } from '../tokens/foreign-source.ts'
import { isWhole } from './ancestry.ts'
import type { InactiveWhy, Verdict } from './reasons.ts'

/** Whether the index is up to date with the log, measured after the last await. */
export type Lag = 'fresh' | 'stale' | 'starting'

/** What one use did to a single-use token, as read from the primary. */
export type Spent = 'rotated' | 'consumed'

export type Question = {
  readonly facts: TokenFacts
  readonly index: RevocationIndex
  readonly nowMs: number
  readonly lag: Lag
  readonly spent?: Spent | undefined
}

const ACTIVE: Verdict = { kind: 'active' }
const inactive = (why: InactiveWhy): Verdict => ({ kind: 'inactive', why })

export const UNKNOWN_TOKEN: Verdict = inactive('unknown')

/**
 * The only place where a verdict is made: every read path of every dialect, verifier and console calls it. Pure.
 * Negative answers need no fresh index, because a revocation is never undone.
 */
export function judge({ facts, index, nowMs, lag, spent }: Question): Verdict {
  if (facts.position < index.lostBelow) return inactive('lost')
  if (isRevoked(facts, index)) return inactive('revoked')
  if (isHeld(facts, index)) return inactive('held')
  // Seen expired stays expired: the floor holds whatever a stepping clock says. RFC 7519 §4.1.4: dead "on or after"
  // its expiry, hence <= and not <.
  if (facts.expiresAtMs <= Math.max(nowMs, index.floorMs)) return inactive('expired')
  if (facts.notBeforeMs !== undefined && nowMs < facts.notBeforeMs) return inactive('not_yet_valid')
  if (spent !== undefined) return inactive(spent)
  // An incomplete ancestor may have been ended by an id that it lacks.
  if (!facts.ancestors.every(isWhole)) return UNKNOWN_TOKEN
  if (lag !== 'fresh') return { kind: 'unknown', why: lag }
  return ACTIVE
}

/** Whether any rule hits the token or one of its ancestors. `except` ignores one cutoff shape. */
export function isRevoked(facts: TokenFacts, index: RevocationIndex, except?: CutoffShape): boolean {
  if (index.ended.size > 0) {
    if (isEnded(facts, facts.digest, index)) return true
    for (const up of facts.ancestors) if (isEnded(up, undefined, index)) return true
  }
  if (index.cutoffs.size === 0) return false
  return isBelowCutoff(facts, index, except) || facts.ancestors.some((up) => isBelowCutoff(up, index, except))
}

/** Whether a hold forbids minting for these principals now. */
export function isMintingHeld(of: Principals, index: RevocationIndex): boolean {
  return index.holds.size > 0 && index.holds.holdsMinting(of)
}

/** Whether a rule on one of this token's own ids ended it; the caller asks about its ancestors. */
function isEnded(one: Ancestor, digest: TokenDigest | undefined, index: RevocationIndex): boolean {
  const { ended, endedKinds, digestKey } = index
  const { source, handle, grant, session, keyId, foreign } = one
  if (endedKinds.has('token')) {
    // A rule on a token carries digest and handle, so either one finds it; the digest is the cheaper key.
    if (digest !== undefined) {
      if (ended.hasDigest(digest)) return true
    } else if (handle !== undefined && ended.has(handleKeyOf(digestKey, source, handle))) return true
  }
  if (endedKinds.has('grant') && grant !== undefined) {
    if (ended.has(grantKeyOf(digestKey, source, grant))) return true
  }
  if (endedKinds.has('session') && session !== undefined) {
    if (ended.has(sessionKeyOf(digestKey, source, session))) return true
  }
  if (endedKinds.has('key') && keyId !== undefined) {
    if (ended.has(signingKeyOf(digestKey, keyId))) return true
  }
  if (endedKinds.has('foreign') && foreign !== undefined) {
    return ended.has(foreignKeyOf(digestKey, foreignIssuer(source), foreign.jti))
  }
  return false
}

function isBelowCutoff(one: Ancestor, index: RevocationIndex, except: CutoffShape | undefined): boolean {
  for (const [shape, table] of index.cutoffs) {
    if (shape === except) continue
    const key = cutoffKeyOf(index.digestKey, shape, one)
    if (key === undefined) continue
    const hit =
      one.foreign === undefined
        ? table.hits(key, one.position, one.issuedAtMs ?? 0)
        : table.hitsForeign(key, one.issuedAtMs, one.foreign)
    if (hit) return true
  }
  return false
}

/** Whether any hold covers the token or one of its ancestors. */
export function isHeld(facts: TokenFacts, index: RevocationIndex): boolean {
  const { holds } = index
  if (holds.size === 0) return false
  const { digest } = facts
  if (digest !== undefined && holds.holdsExact(digestKeyOf(digest))) return true
  return isHeldItself(facts, index) || facts.ancestors.some((up) => isHeldItself(up, index))
}

function isHeldItself(one: Ancestor, { holds, digestKey }: RevocationIndex): boolean {
  const { source, handle, grant, session, keyId, foreign } = one
  if (handle !== undefined && holds.holdsExact(handleKeyOf(digestKey, source, handle))) return true
  if (keyId !== undefined && holds.holdsExact(signingKeyOf(digestKey, keyId))) return true
  if (holds.holdsIssued(one, one.position, one.issuedAtMs ?? 0)) return true
  if (grant !== undefined && holds.holdsExact(grantKeyOf(digestKey, source, grant))) return true
  if (session !== undefined && holds.holdsExact(sessionKeyOf(digestKey, source, session))) return true
  if (foreign === undefined) return false
  if (holds.holdsForeign(one, one.issuedAtMs, foreign)) return true
  return holds.holdsExact(foreignKeyOf(digestKey, foreignIssuer(source), foreign.jti))
}
