import {
  type Ancestor,
  foreignIsBefore,
  type Principals,
  type TokenFacts,
  type TokenIds,
  unreachable,
} from '@rescind/core'
import type { CutoffShape, CutoffTarget, Target } from '@rescind/core/log'
import { foreignSource } from '@rescind/core/tokens'

/**
 * Whether a rule appended now ends a token issued before it, decided by comparing names; the index decides the same by
 * keys. Used where few rules meet few tokens (one commit group), and as the tests' oracle.
 */
export function covers(target: Target, facts: TokenFacts): boolean {
  if (target.kind === 'token' && facts.digest !== undefined && facts.digest === target.digest) return true
  return coversItself(target, facts) || facts.ancestors.some((up) => coversItself(target, up))
}

/** Whether it ends this one token, ancestors aside. */
function coversItself(target: Target, one: Ancestor): boolean {
  switch (target.kind) {
    case 'cut':
      return cutoffCovers(target, one)
    case 'token':
      return one.source === target.source && one.handle === target.handle
    case 'foreign':
      return one.source === foreignSource(target.issuer) && one.foreign?.jti === target.jti
    case 'grant':
      return one.source === target.source && one.grant === target.grant
    case 'session':
      return one.source === target.source && one.session !== undefined && one.session === target.session
    case 'key':
      return one.keyId !== undefined && one.keyId === target.keyId
    default:
      return unreachable(target)
  }
}

function cutoffCovers(cutoff: CutoffTarget, one: Ancestor): boolean {
  if (!namesSame(cutoff.shape, cutoff.principals, one)) return false
  if (one.foreign !== undefined) {
    const since =
      cutoff.asOf === undefined ? {} : { issuedBeforeMs: cutoff.issuedBeforeMs ?? cutoff.asOf.atMs }
    return foreignIsBefore({ ...cutoff, ...since }, one.issuedAtMs, one.foreign)
  }
  // Such a cutoff goes by a login at a foreign issuer, which our own tokens do not have.
  if (cutoff.basis !== undefined) return false
  if (cutoff.asOf !== undefined && one.position >= cutoff.asOf.at) return false
  return cutoff.issuedBeforeMs === undefined || (one.issuedAtMs ?? 0) < cutoff.issuedBeforeMs
}

function namesSame(shape: CutoffShape, cutoff: Principals, one: Principals): boolean {
  if (shape === 'realm') return true
  if (cutoff.source !== one.source) return false
  const same = (name: 'subject' | 'client' | 'tenant'): boolean =>
    one[name] !== undefined && one[name] === cutoff[name]
  switch (shape) {
    case 'source':
      return true
    case 'tenant':
      return same('tenant')
    case 'subject':
      return same('subject')
    case 'client':
      return same('client')
    case 'subject+client':
      return same('subject') && same('client')
    case 'subject+tenant':
      return same('subject') && same('tenant')
    case 'tenant+client':
      return same('tenant') && same('client')
    default:
      return unreachable(shape)
  }
}

/** The ids that all tokens which the rule hits directly have in common. */
export function idsNamed(target: Target): TokenIds {
  switch (target.kind) {
    case 'cut': {
      const { source, ...principals } = target.principals
      // A cutoff over the realm names no ids.
      return source === '' ? {} : { source, ...principals }
    }
    case 'token':
      return { source: target.source, handle: target.handle }
    case 'foreign':
      return { source: foreignSource(target.issuer) }
    case 'grant':
      return { source: target.source, grant: target.grant }
    case 'session':
      return { source: target.source, session: target.session }
    case 'key':
      return { keyId: target.keyId }
    default:
      return unreachable(target)
  }
}
