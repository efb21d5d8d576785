import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { covers } from '../covers.ts'
import { grantId, type TokenDigest } from '../ids.ts'
import { BEYOND_LOGS, ORIGIN, type Position, position } from '../position.ts'
import type { Ancestor, ForeignFacts, Principals, TokenFacts } from '../records.ts'
import { RevocationIndex } from '../revocation-index.ts'
import { CUT_SHAPES, type CutTarget, type Rule, type Target } from '../rules.ts'
import { isHeld, isRevoked, judge } from '../verdict.ts'
import { naiveWhy, type PlainRow } from './naive.ts'
import { DIGEST_KEY, digestAt, handleAt, NOW_MS, rowOf } from './samples.ts'

const RUNS = 600
const ROWS_MAX = 40
const TOKENS = 24
/** Verdicts that one run of this file compares at least; what it did compare is printed. */
const VERDICTS_MIN = 200_000

/** Few names, the same in every role, so that rules and tokens meet and cross-talk would show. */
const name = fc.constantFrom('a', 'b', 'c')
const SOURCES = ['oauth', 'identity', 'chat/a', 'iss:a']
const source = fc.constantFrom(...SOURCES)
const number = fc.nat(9)
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined, freq: 4 })
/** Instants on both sides of every dated cut. */
const instant = fc.nat(6).map((nth) => NOW_MS + nth)

/** Handles are shared between sources, to see them kept apart; a digest is of one text, which has one source. */
function digestIn(of: string, nth: number): TokenDigest {
  return digestAt(100 * SOURCES.indexOf(of) + nth)
}

function without<T extends object>(given: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as T
}

const principals: fc.Arbitrary<Principals> = fc
  .record({ source, subject: maybe(name), client: maybe(name), tenant: maybe(name) })
  .map((given) => without<Principals>(given))

const named: fc.Arbitrary<Principals> = fc.record({ source, subject: name, client: name, tenant: name })

const cut: fc.Arbitrary<CutTarget> = fc
  .record({
    kind: fc.constant('cut' as const),
    shape: fc.constantFrom(...CUT_SHAPES),
    principals: named,
    issuedBeforeMs: fc.option(instant, { nil: undefined, freq: 2 }),
    basis: fc.constantFrom(undefined, undefined, 'authenticated' as const),
  })
  .map((given) => without<CutTarget>(given))

const thing: fc.Arbitrary<Target> = fc.oneof(
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

const target: fc.Arbitrary<Target> = fc.oneof({ weight: 3, arbitrary: cut }, { weight: 1, arbitrary: thing })
const holdId = fc.constantFrom('h1', 'h2', 'h3')

type Drawn =
  | Rule
  | { readonly kind: 'next-epoch'; readonly lost: number }
  /** A hold's cut made final: as of a row that stands some rows back. */
  | { readonly kind: 'revoke-held'; readonly target: CutTarget; readonly back: number }

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
    arbitrary: fc.record({ kind: fc.constant('revoke-held' as const), target: cut, back: fc.nat(6) }),
  },
)

/** A token before its place in the log is known: `places` are counted in rows of the history. */
type Draft = Omit<TokenFacts, 'position' | 'ancestors' | 'foreign'> & {
  readonly foreign: ForeignFacts
  readonly place: number
  readonly ups: readonly (Omit<Ancestor, 'position'> & { readonly place: number })[]
}

const place = fc.nat(ROWS_MAX)
const up = fc.tuple(number, principals, place, instant).map(([nth, of, at, issuedAtMs]) => ({
  ...of,
  handle: handleAt(nth),
  place: at,
  issuedAtMs,
  expiresAtMs: Number.MAX_SAFE_INTEGER,
}))

const draft: fc.Arbitrary<Draft> = fc
  .record({
    nth: number,
    of: principals,
    place,
    ups: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(up, { maxLength: 3 })),
    issuedAtMs: maybe(instant),
    grant: maybe(name.map(grantId)),
    session: maybe(name),
    keyId: maybe(name),
    shown: fc.constantFrom('both', 'handle', 'none'),
    foreign: fc
      .record({
        jti: number.map(handleAt),
        skewMs: fc.constantFrom(0, 2),
        authenticatedAtMs: maybe(instant),
      })
      .map((given) => without<ForeignFacts>(given)),
  })
  .map(({ nth, of, shown, issuedAtMs, grant, session, keyId, ...rest }) => ({
    ...rest,
    ...of,
    ...without<Partial<TokenFacts>>({ issuedAtMs, grant, session, keyId }),
    ...(shown === 'none' ? {} : { handle: handleAt(nth) }),
    ...(shown === 'both' ? { digest: digestIn(of.source, nth) } : {}),
    expiresAtMs: NOW_MS + 500_000,
  }))

/** The rules of a history with their places in the log; epochs count up, and lose something behind the head. */
function placed(drawn: readonly Drawn[]): readonly PlainRow[] {
  const rows: PlainRow[] = []
  let ordinal = 0
  const push = (rule: Rule): void => {
    if (rule.kind === 'epoch') ordinal = rule.ordinal
    // The wall clock steps back now and then; cuts go by the times that rows bear.
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

/** Tokens are issued between any two rows of the history, and some after its end. */
function issued(drafts: readonly Draft[], rows: readonly PlainRow[]): readonly TokenFacts[] {
  const at = (nth: number): Position => rows[nth]?.at ?? position(9, ROWS_MAX + 9)
  return drafts.map(({ place: own, ups, foreign, ...rest }) => ({
    ...rest,
    ...(rest.source.startsWith('iss:') ? { position: BEYOND_LOGS, foreign } : { position: at(own) }),
    ancestors: ups.map(({ place: theirs, ...one }) => ({ ...one, position: at(theirs) })),
  }))
}

const history = fc.array(drawnRule, { minLength: 15, maxLength: ROWS_MAX })
const tokens = fc.array(draft, { minLength: TOKENS, maxLength: TOKENS })

test('the folded index judges as a plain reading of all rows does, at every row', (context) => {
  let [verdicts, dead] = [0, 0]
  const property = fc.property(history, tokens, (drawn, drafts) => {
    const rows = placed(drawn)
    const facts = issued(drafts, rows)
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
        // Terminal: what was revoked or lost once is so after every later row; a hold may end.
        if (why === 'revoked' || why === 'lost') over.add(one)
        else if (over.has(one)) assert.fail(`came back at row ${nth + 1}`)
        verdicts += 1
        if (why !== undefined) dead += 1
      }
    }
  })
  fc.assert(property, { numRuns: RUNS })
  context.diagnostic(`${verdicts} verdicts compared, ${dead} of them negative`)
  assert.ok(verdicts >= VERDICTS_MIN, `${verdicts} verdicts`)
  assert.ok(dead > verdicts / 10 && dead < verdicts * 0.9, 'both answers are common enough to mean something')
})

test('`covers` says of a rule appended now what the index says once it is folded', (context) => {
  let [compared, hit] = [0, 0]
  const property = fc.property(target, fc.array(draft, { minLength: 30, maxLength: 30 }), (one, drafts) => {
    const first = { at: position(1, 1), atMs: NOW_MS, rule: EPOCH }
    const [revoking, holding] = [new RevocationIndex(DIGEST_KEY), new RevocationIndex(DIGEST_KEY)]
    for (const index of [revoking, holding]) index.fold(rowOf(1, EPOCH))
    // Tokens of the time before the rule: later ones are not what it is asked about.
    const later = NOW_MS + 6
    revoking.fold(rowOf(2, { kind: 'revoke', target: one, keepUntilMs: NOW_MS + 1_000_000 }, later))
    holding.fold(rowOf(2, { kind: 'hold', id: 'h', target: one }))
    for (const facts of issued(drafts, new Array<PlainRow>(ROWS_MAX + 1).fill(first))) {
      const isCovered = covers(one, facts)
      assert.equal(isRevoked(facts, revoking), isCovered)
      assert.equal(isHeld(facts, holding), isCovered)
      compared += 2
      if (isCovered) hit += 2
    }
  })
  fc.assert(property, { numRuns: 1_500 })
  context.diagnostic(`${compared} answers compared, ${hit} of them "covered"`)
  assert.ok(hit > 2_000, `${hit} hits`)
})

const EPOCH: Rule = { kind: 'epoch', ordinal: 1, epochId: 'e', lostBelow: ORIGIN }

test('folding the same rows again, in one go or with verdicts between, gives the same answers', () => {
  const property = fc.property(history, tokens, (drawn, drafts) => {
    const rows = placed(drawn).map(({ rule, atMs }, nth) => rowOf(nth + 1, rule, atMs))
    const facts = issued(drafts, placed(drawn))
    const answers = (index: RevocationIndex): readonly unknown[] =>
      facts.map((one) => judge({ facts: one, index, nowMs: NOW_MS, lag: 'fresh' }))
    const [once, again] = [new RevocationIndex(DIGEST_KEY), new RevocationIndex(DIGEST_KEY)]
    for (const row of rows) once.fold(row)
    for (const row of rows) {
      // As a store or a feed gives them: copies that lie somewhere inside a larger buffer.
      again.fold({ ...row, rule: Buffer.concat([Buffer.alloc(3), row.rule]).subarray(3) })
      answers(again)
    }
    assert.deepEqual(answers(again), answers(once))
    assert.equal(again.head, once.head)
  })
  fc.assert(property, { numRuns: 60 })
})
