import { unreachable } from './faults.ts'
import { foreignIsBefore } from './hold-table.ts'
import type { Position } from './position.ts'
import type { Ancestor, ForeignFacts, Principals, TokenFacts } from './records.ts'
import type { CutShape, CutTarget, Target, ThingTarget } from './rules.ts'

/**
 * Whether a rule appended now would end a token that was issued before it, by comparing names: the meaning that the
 * index answers by keys. Used where few rules meet few tokens (one commit group), and as the oracle of the tests.
 */
export function covers(target: Target, facts: TokenFacts): boolean {
  if (target.kind === 'cut')
    return cutCovers(target, facts) || facts.ancestors.some((up) => cutCovers(target, up))
  return thingIs(target, facts) || facts.ancestors.some((up) => isToken(target, up) || isSignedBy(target, up))
}

function thingIs(target: ThingTarget, facts: TokenFacts): boolean {
  switch (target.kind) {
    case 'token':
      return isToken(target, facts) || (facts.digest !== undefined && facts.digest === target.digest)
    case 'foreign':
      return facts.source === `iss:${target.issuer}` && facts.foreign?.jti === target.jti
    case 'grant':
      return facts.source === target.source && facts.grant === target.grant
    case 'session':
      return facts.source === target.source && facts.session !== undefined && facts.session === target.session
    case 'key':
      return isSignedBy(target, facts)
    default:
      return unreachable(target)
  }
}

function isToken(target: ThingTarget, one: Pick<Ancestor, 'source'> & { readonly handle?: string }): boolean {
  return target.kind === 'token' && one.source === target.source && one.handle === target.handle
}

function isSignedBy(target: ThingTarget, { keyId }: Pick<Ancestor, 'keyId'>): boolean {
  return target.kind === 'key' && keyId !== undefined && keyId === target.keyId
}

type Issued = Principals & {
  readonly position: Position
  readonly issuedAtMs?: number
  readonly foreign?: ForeignFacts
}

function cutCovers(cut: CutTarget, one: Issued): boolean {
  if (!namesSame(cut.shape, cut.principals, one)) return false
  if (one.foreign !== undefined) {
    const since = cut.asOf === undefined ? {} : { issuedBeforeMs: cut.issuedBeforeMs ?? cut.asOf.atMs }
    return foreignIsBefore({ ...cut, ...since }, one.issuedAtMs, one.foreign)
  }
  // A login that was measured by its issuer's clock is nothing that tokens of ours have.
  if (cut.basis !== undefined) return false
  if (cut.asOf !== undefined && one.position >= cut.asOf.at) return false
  return cut.issuedBeforeMs === undefined || (one.issuedAtMs ?? 0) < cut.issuedBeforeMs
}

function namesSame(shape: CutShape, cut: Principals, one: Principals): boolean {
  if (shape === 'realm') return true
  if (cut.source !== one.source) return false
  const same = (name: 'subject' | 'client' | 'tenant'): boolean =>
    one[name] !== undefined && one[name] === cut[name]
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
