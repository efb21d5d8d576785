import assert from 'node:assert/strict'
import { test } from 'node:test'
import { covers } from '@rescind/authority'
import {
  grantId,
  isHeld,
  isRevoked,
  judge,
  ORIGIN,
  type Position,
  position,
  RevocationIndex,
  type TokenFacts,
} from '@rescind/core'
import type { CutoffShape, Rule, Target } from '@rescind/core/log'
import fc from 'fast-check'
import { DIGEST_KEY, digestAt, handleAt, NOW_MS, rowOf } from '../kit/samples.ts'
import {
  compareHistories,
  compareRows,
  draft,
  history,
  issued,
  placed,
  ROWS_MAX,
  target,
  tokens,
} from './histories.ts'
import type { PlainRow } from './naive.ts'

const RUNS = 600
/** Fewest verdicts that a run of this file must compare; the actual number is printed. */
const VERDICTS_MIN = 200_000

test('the folded index judges as a plain reading of all rows does, at every row', (context) => {
  const { verdicts, dead } = compareHistories(RUNS)
  context.diagnostic(`${verdicts} verdicts compared, ${dead} of them negative`)
  assert.ok(verdicts >= VERDICTS_MIN, `${verdicts} verdicts`)
  assert.ok(dead > verdicts / 10 && dead < verdicts * 0.9, 'both answers are common enough to mean something')
})

const SOURCE = 'oauth'
const NAMES = { source: SOURCE, subject: 's', client: 'c', tenant: 't' }
const cutoffOver = (shape: CutoffShape): Target => ({ kind: 'cut', shape, principals: NAMES })
/** One rule of each level, widest first. */
const LEVELS: readonly Target[] = [
  cutoffOver('realm'),
  cutoffOver('tenant'),
  cutoffOver('client'),
  cutoffOver('subject'),
  { kind: 'grant', source: SOURCE, grant: grantId('g') },
  { kind: 'token', source: SOURCE, digest: digestAt(1), handle: handleAt(1) },
]

function orders<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length === 0) return [[]]
  return items.flatMap((one, at) => orders(items.toSpliced(at, 1)).map((rest) => [one, ...rest]))
}

/** Tokens that lack one or more of the names, issued before, between and after six rules. */
function tokensAround(places: readonly Position[]): readonly TokenFacts[] {
  const bare = { source: SOURCE, ancestors: [], issuedAtMs: NOW_MS, expiresAtMs: NOW_MS + 1_000 }
  const variants: readonly Partial<TokenFacts>[] = [
    { ...NAMES, grant: grantId('g'), handle: handleAt(1), digest: digestAt(1) },
    { ...NAMES, grant: grantId('h'), handle: handleAt(2), digest: digestAt(2) },
    { subject: 's', grant: grantId('h'), handle: handleAt(3) },
    { client: 'c', subject: 'other', handle: handleAt(4) },
    { tenant: 't', client: 'other', handle: handleAt(5) },
    { source: 'identity', subject: 's', client: 'c', tenant: 't', grant: grantId('g'), handle: handleAt(1) },
  ]
  return places.flatMap((place) => variants.map((one) => ({ ...bare, ...one, position: place })))
}

test('[A04] [A05] cutoffs of realm, tenant, client and subject, a grant and a token end the same in every order', (context) => {
  const all = orders(LEVELS)
  assert.equal(all.length, 720)
  let verdicts = 0
  for (const order of all) {
    const rules: readonly Rule[] = [
      { kind: 'epoch', ordinal: 1, epochId: 'e', lostBelow: ORIGIN },
      ...order.map((one): Rule => ({ kind: 'revoke', target: one, keepUntilMs: NOW_MS + 1_000_000 })),
    ]
    const rows = rules.map((rule, at) => ({ at: position(1, at + 1), atMs: NOW_MS, rule }))
    // After the last row, only exactly named tokens end.
    const places = [...rows.map(({ at }) => at), position(1, 99)].filter((_, at) => at % 2 === 0)
    verdicts += compareRows(rows, tokensAround(places)).verdicts
  }
  context.diagnostic(`${verdicts} verdicts compared`)
})

test('`covers` says of a rule appended now what the index says once it is folded', (context) => {
  let [compared, hit] = [0, 0]
  const property = fc.property(target, fc.array(draft, { minLength: 30, maxLength: 30 }), (one, drafts) => {
    const first = { at: position(1, 1), atMs: NOW_MS, rule: EPOCH }
    const [revoking, holding] = [new RevocationIndex(DIGEST_KEY), new RevocationIndex(DIGEST_KEY)]
    for (const index of [revoking, holding]) index.fold(rowOf(1, EPOCH))
    // Tokens from before the rule; `covers` is not meant for later ones.
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
  fc.assert(property, { numRuns: 800 })
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
      // Copies inside a larger buffer, as stores and feeds give them.
      again.fold({ ...row, rule: Buffer.concat([Buffer.alloc(3), row.rule]).subarray(3) })
      answers(again)
    }
    assert.deepEqual(answers(again), answers(once))
    assert.equal(again.head, once.head)
  })
  fc.assert(property, { numRuns: 60 })
})
