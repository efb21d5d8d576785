import assert from 'node:assert/strict'
import {
  type Ancestor,
  BEYOND_LOGS,
  type ForeignFacts,
  grantId,
  judge,
  ORIGIN,
  type Position,
  type Principals,
  position,
  RevocationIndex,
  type TokenDigest,
  type TokenFacts,
} from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import { CUTOFF_SHAPES, type CutoffTarget, type Rule, type Target } from '@rescind/core/log'
import fc from 'fast-check'
import { DIGEST_KEY, digestAt, handleAt, NOW_MS, rowOf } from '../kit/samples.ts'
import { naiveWhy, type PlainRow } from './naive.ts'

export const ROWS_MAX = 40
const TOKENS = 24

/** Few names, the same in every role, so that rules and tokens meet and confusion of roles would show. */
const name = fc.constantFrom('a', 'b', 'c')
const SOURCES = ['oauth', 'identity', 'chat/a', 'iss:a']
const source = fc.constantFrom(...SOURCES)
const number = fc.nat(9)
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined, freq: 4 })
/** Instants on both sides of every dated cutoff. */
const instant = fc.nat(6).map((nth) => NOW_MS + nth)

/** Sources share handles, to test that they are kept apart. A digest belongs to one text, and so to one source. */
function digestIn(of: string, nth: number): TokenDigest {
  return digestAt(100 * SOURCES.indexOf(of) + nth)
}

const principals: fc.Arbitrary<Principals> = fc
  .record({ source, subject: maybe(name), client: maybe(name), tenant: maybe(name) })
  .map((given) => defined(given))

const named: fc.Arbitrary<Principals> = fc.record({ source, subject: name, client: name, tenant: name })

const cutoff: fc.Arbitrary<CutoffTarget> = fc
  .record({
    kind: fc.constant('cut' as const),
    shape: fc.constantFrom(...CUTOFF_SHAPES),
    principals: named,
    issuedBeforeMs: fc.option(instant, { nil: undefined, freq: 2 }),
    basis: fc.constantFrom(undefined, undefined, 'authenticated' as const),
  })
  .map((given) => defined(given))

const exact: fc.Arbitrary<Target> = fc.oneof(
  fc.tuple(number, source).map(
    ([nth, of]): Target => ({
      kind: 'token',
      source: of,
      digest: digestIn(of, nth),
      handle: handleAt(nth),
    }),
  ),
  number.map((nth): Target => ({ kind: 'foreign', issuer: 'a', jti: handleAt(nth) })),
  fc.tuple(name, source).map(([grant, of]): Target => ({ kind: 'grant', source: of, grant: grantId(grant) })),
  fc.tuple(name, source).map(([session, of]): Target => ({ kind: 'session', source: of, session })),
  name.map((keyId): Target => ({ kind: 'key', keyId })),
)

export const target: fc.Arbitrary<Target> = fc.oneof(
  { weight: 3, arbitrary: cutoff },
  { weight: 1, arbitrary: exact },
)
const holdId = fc.constantFrom('h1', 'h2', 'h3')

export type Drawn =
  | Rule
  | { readonly kind: 'next-epoch'; readonly lost: number }
  /** A hold's cutoff made final, as of a row some rows back. */
  | { readonly kind: 'revoke-held'; readonly target: CutoffTarget; readonly back: number }

const drawnRule: fc.Arbitrary<Drawn> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('revoke' as const),
      target,
      keepUntilMs: fc.constant(NOW_MS + 1_000_000),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('hold' as const), id: holdId, target }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('release' as const), id: holdId }) },
  fc.record({
    kind: fc.constant('change' as const),
    collection: name,
    id: name,
    version: fc.nat(9),
  }),
  fc.record({ kind: fc.constant('next-epoch' as const), lost: fc.nat(4) }),
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('revoke-held' as const), target: cutoff, back: fc.nat(6) }),
  },
)

/** A token before its position in the log is known; `place` counts rows of the history. */
type Placed = Omit<Ancestor, 'position' | 'foreign'> & {
  readonly foreign: ForeignFacts
  readonly place: number
}
export type Draft = Placed &
  Pick<TokenFacts, 'digest'> & {
    /** Some of them are actors of other grants, sessions and sources, with other signing keys. */
    readonly ups: readonly Placed[]
  }

const placedFacts = fc
  .record({
    nth: number,
    of: principals,
    place: fc.nat(ROWS_MAX),
    issuedAtMs: maybe(instant),
    grant: name.map(grantId),
    session: maybe(name),
    keyId: maybe(name),
    foreign: fc
      .record({
        jti: number.map(handleAt),
        skewMs: fc.constantFrom(0, 2),
        authenticatedAtMs: maybe(instant),
      })
      .map((given) => defined(given)),
  })
  .map(({ nth, of, place, foreign, ...rest }) => ({
    nth,
    facts: { ...of, ...defined(rest), place, foreign, expiresAtMs: NOW_MS + 500_000 },
  }))

const up: fc.Arbitrary<Placed> = placedFacts.map(({ nth, facts }) => ({ ...facts, handle: handleAt(nth) }))

export const draft: fc.Arbitrary<Draft> = fc
  .record({
    own: placedFacts,
    hasGrant: fc.boolean(),
    ups: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(up, { maxLength: 3 })),
    shown: fc.constantFrom('both', 'handle', 'none'),
  })
  .map(({ own: { nth, facts }, hasGrant, ups, shown }) => {
    const { grant, ...rest } = facts
    return {
      ...rest,
      ups,
      ...(hasGrant && grant !== undefined ? { grant } : {}),
      ...(shown === 'none' ? {} : { handle: handleAt(nth) }),
      ...(shown === 'both' ? { digest: digestIn(facts.source, nth) } : {}),
    }
  })

/** The rules of a history with their positions. Epochs count up and lose some rows before the head. */
export function placed(drawn: readonly Drawn[]): readonly PlainRow[] {
  const rows: PlainRow[] = []
  let ordinal = 0
  const push = (rule: Rule): void => {
    if (rule.kind === 'epoch') ordinal = rule.ordinal
    // The wall clock sometimes steps back; cutoffs use the times of rows.
    rows.push({ at: position(ordinal, rows.length + 1), atMs: NOW_MS + (rows.length % 5), rule })
  }
  push({ kind: 'epoch', ordinal: 1, epochId: 'e', lostBelow: ORIGIN })
  for (const one of drawn) {
    if (one.kind === 'revoke-held') {
      const { at, atMs } = rows[Math.max(0, rows.length - 1 - one.back)] as PlainRow
      const target = { ...one.target, asOf: { at, atMs } }
      push({ kind: 'revoke', target, keepUntilMs: NOW_MS + 1_000_000 })
    } else if (one.kind !== 'next-epoch') push(one)
    else {
      const seq = Math.max(0, rows.length - one.lost)
      const lostBelow = one.lost === 0 ? ORIGIN : (rows[seq]?.at ?? ORIGIN)
      push({ kind: 'epoch', ordinal: ordinal + 1, epochId: 'e', lostBelow })
    }
  }
  return rows
}

/** Tokens issued between any two rows of the history, and some after its end. */
export function issued(drafts: readonly Draft[], rows: readonly PlainRow[]): readonly TokenFacts[] {
  const at = (nth: number): Position => rows[nth]?.at ?? position(9, ROWS_MAX + 9)
  return drafts.map(({ ups, digest, ...own }) => ({
    ...factsOf(own, at),
    ...(digest === undefined || isForeign(own) ? {} : { digest }),
    ancestors: ups.map((one) => factsOf(one, at)),
  }))
}

function isForeign({ source: of }: Pick<Principals, 'source'>): boolean {
  return of.startsWith('iss:')
}

/** Only our tokens have a position, a handle and a grant; only foreign ones have the other members. */
function factsOf({ place, foreign, ...rest }: Placed, at: (nth: number) => Position): Ancestor {
  if (!isForeign(rest)) return { ...rest, position: at(place) }
  const { handle: _handle, grant: _grant, ...named } = rest
  return { ...named, position: BEYOND_LOGS, foreign }
}

export const history: fc.Arbitrary<Drawn[]> = fc.array(drawnRule, { minLength: 15, maxLength: ROWS_MAX })
export const tokens: fc.Arbitrary<Draft[]> = fc.array(draft, { minLength: TOKENS, maxLength: TOKENS })

export type Compared = { readonly verdicts: number; readonly dead: number }

/**
 * Compares random histories of rules, holds and epochs, with random tokens issued anywhere in them. At every row the
 * folded index must judge as a plain reading of all rows does, and a token once revoked or lost must never come back.
 */
export function compareHistories(numRuns: number): Compared {
  let [verdicts, dead] = [0, 0]
  const property = fc.property(history, tokens, (drawn, drafts) => {
    const rows = placed(drawn)
    const compared = compareRows(rows, issued(drafts, rows))
    verdicts += compared.verdicts
    dead += compared.dead
  })
  fc.assert(property, { numRuns })
  return { verdicts, dead }
}

/** Judges all tokens after every row, by the index and by the rows themselves. */
export function compareRows(rows: readonly PlainRow[], facts: readonly TokenFacts[]): Compared {
  let dead = 0
  const index = new RevocationIndex(DIGEST_KEY)
  const over = new Set<TokenFacts>()
  for (const [nth, { rule, atMs }] of rows.entries()) {
    index.fold(rowOf(nth + 1, rule, atMs))
    const past = rows.slice(0, nth + 1)
    for (const one of facts) {
      const verdict = judge({ facts: one, index, nowMs: NOW_MS, lag: 'fresh' })
      const why = verdict.kind === 'inactive' ? verdict.why : undefined
      if (why !== naiveWhy(past, one)) {
        assert.fail(`${why} by the index, ${naiveWhy(past, one)} by the rows, at row ${nth + 1}`)
      }
      // Final: a token once revoked or lost stays so after every later row; a hold may end.
      if (why === 'revoked' || why === 'lost') over.add(one)
      else if (over.has(one)) assert.fail(`came back at row ${nth + 1}`)
      if (why !== undefined) dead += 1
    }
  }
  return { verdicts: rows.length * facts.length, dead }
}
