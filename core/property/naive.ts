import type { Position } from '../position.ts'
import type { Ancestor, ForeignFacts, Principals, TokenFacts } from '../records.ts'
import type { CutShape, CutTarget, Rule, Target } from '../rules.ts'

/** A row of a log with nothing derived from it. */
export type PlainRow = { readonly at: Position; readonly atMs: number; readonly rule: Rule }

type Why = 'lost' | 'revoked' | 'held' | undefined

/**
 * The verdict by comparing names over the whole list of rows: slow, short, and written from the model's sentences
 * (§5.1, §5.2, §5.4, §5.5) alone, so that the index can be held against it.
 */
export function naiveWhy(rows: readonly PlainRow[], facts: TokenFacts): Why {
  if (rows.some(({ rule }) => rule.kind === 'epoch' && facts.position < rule.lostBelow)) return 'lost'
  if (isEnded(rows, facts) || [facts, ...facts.ancestors].some((one) => isCut(rows, one))) return 'revoked'
  return isHeld(rows, facts) ? 'held' : undefined
}

function isEnded(rows: readonly PlainRow[], facts: TokenFacts): boolean {
  return rows.some(({ rule }) => rule.kind === 'revoke' && namesThing(rule.target, facts))
}

/** A rule names a thing that the token is or bears, or one of its ancestors. */
function namesThing(target: Target, facts: TokenFacts): boolean {
  switch (target.kind) {
    case 'token':
      return [facts, ...facts.ancestors].some(
        (one) => one.source === target.source && one.handle === target.handle,
      )
    case 'foreign':
      return facts.source === `iss:${target.issuer}` && facts.foreign?.jti === target.jti
    case 'grant':
      return facts.source === target.source && facts.grant === target.grant
    case 'session':
      return facts.source === target.source && facts.session === target.session
    case 'key':
      return facts.keyId === target.keyId
    case 'cut':
      return false
  }
}

type Issued = Principals &
  Pick<Ancestor, 'position'> & { readonly issuedAtMs?: number; readonly foreign?: ForeignFacts }

/** A foreign token is hit by its issuer's times: with a skew, and by anything when it does not say them. */
function isForeignCut({ issuedAtMs, foreign }: Issued, cut: CutTarget, atMs: number): boolean {
  const itsMs = cut.basis === 'authenticated' ? foreign?.authenticatedAtMs : issuedAtMs
  return (
    itsMs === undefined || itsMs <= (cut.issuedBeforeMs ?? cut.asOf?.atMs ?? atMs) + (foreign?.skewMs ?? 0)
  )
}

/**
 * A key of the index holds two slots (§5.4): the highest plain cut, and one dated cut made of the highest instant
 * and the highest position. So of dated cuts over the same names one may give the instant and another the position.
 */
function isCut(rows: readonly PlainRow[], one: Issued): boolean {
  const over: { readonly at: Position; readonly atMs: number; readonly cut: CutTarget }[] = []
  for (const { at, atMs, rule } of rows) {
    if (rule.kind === 'revoke' && rule.target.kind === 'cut' && namesAll(rule.target, one)) {
      // What was a hold keeps the hold's own place (§5.5).
      over.push({ at: rule.target.asOf?.at ?? at, atMs, cut: rule.target })
    }
  }
  if (one.foreign !== undefined) return over.some(({ cut, atMs }) => isForeignCut(one, cut, atMs))
  return over.some(({ at, cut }) => {
    // Only foreign tokens have a login that is measured.
    if (cut.basis === 'authenticated') return false
    if (one.position >= at) return false
    if (cut.issuedBeforeMs === undefined) return true
    return over.some(
      (other) =>
        other.cut.shape === cut.shape &&
        other.cut.basis === undefined &&
        (one.issuedAtMs ?? 0) < (other.cut.issuedBeforeMs ?? 0),
    )
  })
}

function isHeld(rows: readonly PlainRow[], facts: TokenFacts): boolean {
  return rows.some(({ at, rule }, nth) => {
    if (rule.kind !== 'hold' || isReleased(rows.slice(nth), rule.id)) return false
    if (rows.slice(0, nth).some((row) => isInForce(rows, row, nth, rule.id))) return false
    const { target } = rule
    if (target.kind !== 'cut') return namesThing(target, facts)
    const before = target.issuedBeforeMs ?? Number.POSITIVE_INFINITY
    // While a hold lasts nothing may be minted for what it covers; what a foreign issuer mints is held, too.
    const { foreign } = facts
    if (foreign !== undefined && namesAll(target, facts) && isForeignCut(facts, target, Infinity)) return true
    return [facts, ...facts.ancestors].some(
      (one) =>
        target.basis === undefined &&
        one.position < at &&
        (one.issuedAtMs ?? 0) < before &&
        namesAll(target, one),
    )
  })
}

function isReleased(later: readonly PlainRow[], id: string): boolean {
  return later.some(({ rule }) => rule.kind === 'release' && rule.id === id)
}

/** Whether an earlier row holds this id still at row `nth`: an id that is in force is not placed a second time. */
function isInForce(rows: readonly PlainRow[], { rule }: PlainRow, nth: number, id: string): boolean {
  if (rule.kind !== 'hold' || rule.id !== id) return false
  const from = rows.findIndex((row) => row.rule === rule)
  return !isReleased(rows.slice(from, nth), id)
}

const NAMES: Readonly<Record<CutShape, readonly ('source' | 'subject' | 'client' | 'tenant')[]>> = {
  realm: [],
  source: ['source'],
  tenant: ['source', 'tenant'],
  subject: ['source', 'subject'],
  client: ['source', 'client'],
  'subject+client': ['source', 'subject', 'client'],
  'subject+tenant': ['source', 'subject', 'tenant'],
  'tenant+client': ['source', 'tenant', 'client'],
}

function namesAll({ shape, principals }: CutTarget, one: Principals): boolean {
  return NAMES[shape].every((name) => one[name] !== undefined && one[name] === principals[name])
}
