import type { Ancestor, Position, Principals, TokenFacts } from '@rescind/core'
import type { CutoffShape, CutoffTarget, Rule, Target } from '@rescind/core/log'

/** A row of a log with nothing derived from it. */
export type PlainRow = { readonly at: Position; readonly atMs: number; readonly rule: Rule }

type Why = 'lost' | 'revoked' | 'held' | undefined

/**
 * The verdict by comparing names over the whole list of rows. Slow, short, and written only from the model (§5.1, §5.2,
 * §5.4, §5.5), to compare the index with.
 */
export function naiveWhy(rows: readonly PlainRow[], facts: TokenFacts): Why {
  if (rows.some(({ rule }) => rule.kind === 'epoch' && facts.position < rule.lostBelow)) return 'lost'
  // A rule that hits a token also hits its descendants (§2.2).
  const line = [facts, ...facts.ancestors]
  if (line.some((one) => isEnded(rows, one) || isBelowCutoff(rows, one))) return 'revoked'
  return line.some((one) => isHeld(rows, one)) ? 'held' : undefined
}

function isEnded(rows: readonly PlainRow[], one: Ancestor): boolean {
  return rows.some(({ rule }) => rule.kind === 'revoke' && namesExact(rule.target, one))
}

/** Whether a rule names an exact id of the token. */
function namesExact(target: Target, one: Ancestor): boolean {
  switch (target.kind) {
    case 'token':
      return one.source === target.source && one.handle === target.handle
    case 'foreign':
      return one.source === `iss:${target.issuer}` && one.foreign?.jti === target.jti
    case 'grant':
      return one.source === target.source && one.grant === target.grant
    case 'session':
      return one.source === target.source && one.session === target.session
    case 'key':
      return one.keyId === target.keyId
    case 'cut':
      return false
  }
}

/** A cutoff hits a foreign token by its issuer's times, with a skew, and always if it lacks them. */
function isForeignCutoff({ issuedAtMs, foreign }: Ancestor, cutoff: CutoffTarget, atMs: number): boolean {
  const itsMs = cutoff.basis === 'authenticated' ? foreign?.authenticatedAtMs : issuedAtMs
  return (
    itsMs === undefined ||
    itsMs <= (cutoff.issuedBeforeMs ?? cutoff.asOf?.atMs ?? atMs) + (foreign?.skewMs ?? 0)
  )
}

/**
 * A key of the index has two slots (§5.4): the highest plain cutoff, and one dated cutoff made of the highest instant
 * and the highest position. So of dated cutoffs over the same names, one may give the instant and another the position.
 */
function isBelowCutoff(rows: readonly PlainRow[], one: Ancestor): boolean {
  const over: { readonly at: Position; readonly atMs: number; readonly cutoff: CutoffTarget }[] = []
  for (const { at, atMs, rule } of rows) {
    if (rule.kind === 'revoke' && rule.target.kind === 'cut' && namesAll(rule.target, one)) {
      // A cutoff that was a hold keeps the hold's position (§5.5).
      over.push({ at: rule.target.asOf?.at ?? at, atMs, cutoff: rule.target })
    }
  }
  if (one.foreign !== undefined) return over.some(({ cutoff, atMs }) => isForeignCutoff(one, cutoff, atMs))
  return over.some(({ at, cutoff }) => {
    // Only foreign tokens have a login time.
    if (cutoff.basis === 'authenticated') return false
    if (one.position >= at) return false
    if (cutoff.issuedBeforeMs === undefined) return true
    return over.some(
      (other) =>
        other.cutoff.shape === cutoff.shape &&
        other.cutoff.basis === undefined &&
        (one.issuedAtMs ?? 0) < (other.cutoff.issuedBeforeMs ?? 0),
    )
  })
}

function isHeld(rows: readonly PlainRow[], one: Ancestor): boolean {
  return rows.some(({ at, rule }, nth) => {
    if (rule.kind !== 'hold' || isReleased(rows.slice(nth), rule.id)) return false
    if (rows.slice(0, nth).some((row) => isInForce(rows, row, nth, rule.id))) return false
    const { target } = rule
    if (target.kind !== 'cut') return namesExact(target, one)
    const before = target.issuedBeforeMs ?? Number.POSITIVE_INFINITY
    // During a hold nothing may be minted for its targets; tokens that a foreign issuer mints are held too.
    if (one.foreign !== undefined && namesAll(target, one) && isForeignCutoff(one, target, Infinity))
      return true
    return (
      target.basis === undefined &&
      one.position < at &&
      (one.issuedAtMs ?? 0) < before &&
      namesAll(target, one)
    )
  })
}

function isReleased(later: readonly PlainRow[], id: string): boolean {
  return later.some(({ rule }) => rule.kind === 'release' && rule.id === id)
}

/** Whether an earlier row still holds this id at row `nth`: an active hold is not placed twice. */
function isInForce(rows: readonly PlainRow[], { rule }: PlainRow, nth: number, id: string): boolean {
  if (rule.kind !== 'hold' || rule.id !== id) return false
  const from = rows.findIndex((row) => row.rule === rule)
  return !isReleased(rows.slice(from, nth), id)
}

const NAMES: Readonly<Record<CutoffShape, readonly ('source' | 'subject' | 'client' | 'tenant')[]>> = {
  realm: [],
  source: ['source'],
  tenant: ['source', 'tenant'],
  subject: ['source', 'subject'],
  client: ['source', 'client'],
  'subject+client': ['source', 'subject', 'client'],
  'subject+tenant': ['source', 'subject', 'tenant'],
  'tenant+client': ['source', 'tenant', 'client'],
}

function namesAll({ shape, principals }: CutoffTarget, one: Principals): boolean {
  return NAMES[shape].every((name) => one[name] !== undefined && one[name] === principals[name])
}
