import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { factsAt, NOW_MS, revoking, tokenTarget } from '../../test/kit/samples.ts'
import { dump, History, rules } from '../../test/laws/history.ts'
import { ORIGIN } from '../position.ts'
import { judge } from '../verdict/verdict.ts'
import { Replica } from './replica.ts'

const EPOCH_2 = { kind: 'epoch', ordinal: 2, epochId: 'epoch-2', lostBelow: ORIGIN } as const

function at(history: History, seq: number): Replica {
  const replica = new Replica()
  assert.deepEqual(replica.load(history.snapshot(seq)), { kind: 'loaded' })
  return replica
}

function whyOf(replica: Replica, token: number): string {
  assert.ok(replica.index)
  const verdict = judge({ facts: factsAt(token), index: replica.index, nowMs: NOW_MS, lag: 'fresh' })
  return verdict.kind === 'active' ? 'active' : verdict.why
}

type Step = 'event' | 'again' | 'snapshot' | 'skip'

test('any history, cut into any groups, with repeats, losses and snapshots anywhere, gives the same index', () => {
  let runs = 0
  const steps = fc.array(
    fc.tuple(
      fc.constantFrom<Step>('event', 'event', 'event', 'again', 'snapshot', 'skip'),
      fc.integer({ min: 1, max: 7 }),
    ),
    { minLength: 1, maxLength: 60 },
  )
  fc.assert(
    fc.property(rules(true), steps, fc.nat(40), (drawn, plan, start) => {
      runs += 1
      const history = new History(drawn)
      const replica = at(history, 1 + (start % history.seq))
      for (const [step, size] of plan) {
        const seq = replica.checkpoint?.seq ?? 0
        const next = Math.min(history.seq, seq + size)
        if (step === 'snapshot') {
          // Within one epoch a snapshot replaces the rows; across epochs it is a union (below).
          const sameEpoch = history.checkpoints[next - 1]?.ordinal === replica.checkpoint?.ordinal
          if (sameEpoch) assert.equal(replica.load(history.snapshot(next)).kind, 'loaded')
        } else if (step === 'again' && seq > size) {
          assert.deepEqual(replica.apply(history.event(seq - size, seq)), { kind: 'known' })
        } else if (step === 'skip' && next + 1 <= history.seq) {
          const lost = replica.apply(history.event(seq + 1, next + 1))
          assert.deepEqual(lost, { kind: 'resync', why: 'gap' })
        } else if (step === 'event' && next > seq) {
          assert.equal(replica.apply(history.event(seq, next)).kind, 'applied')
        }
        assert.deepEqual(dump(replica.index as never), dump(history.index(replica.checkpoint?.seq ?? 0)))
      }
    }),
    { numRuns: 300 },
  )
  assert.equal(runs, 300)
})

describe('an event is not taken', () => {
  const history = new History([revoking(tokenTarget(1)), revoking(tokenTarget(2)), revoking(tokenTarget(3))])

  test('before there is a snapshot', () => {
    assert.deepEqual(new Replica().apply(history.event(0, 1)), { kind: 'resync', why: 'no-snapshot' })
  })

  test('when a row is missing, doubled, changed, of another audit or out of order', () => {
    const event = history.event(1, 3)
    const [first, second] = event.rows
    assert.ok(first !== undefined && second !== undefined)
    const wrong = { ...second, rule: history.rows[3]?.rule ?? second.rule }
    for (const rows of [
      [],
      [first],
      [first, first],
      [second, first],
      [first, second, second],
      [first, wrong],
      [first, { ...second, atMs: second.atMs + 1 }],
      [first, { ...second, auditHash: Buffer.alloc(32) }],
    ]) {
      const replica = at(history, 1)
      assert.equal(replica.apply({ ...event, rows }).kind, 'resync')
      assert.deepEqual(dump(replica.index as never), dump(history.index(1)), 'nothing of it is folded')
      assert.equal(replica.apply(event).kind, 'applied', 'and the right one is still taken')
    }
  })

  test('when it holds a rule of a kind or version that this version does not know: a reader never skips', () => {
    const event = history.event(1, 3)
    const [first, second] = event.rows
    assert.ok(first !== undefined && second !== undefined)
    const newer = Buffer.from(second.rule)
    newer[0] = 9
    for (const odd of [
      { ...second, kind: 77 },
      { ...second, rule: newer },
      { ...second, rule: Buffer.alloc(0) },
      { ...second, rule: second.rule.subarray(0, 20) },
    ]) {
      const replica = at(history, 1)
      const action = replica.apply({ ...event, rows: [first, odd] })
      assert.deepEqual(action, { kind: 'resync', why: 'unknown-rule' })
      assert.equal(replica.checkpoint?.seq, 1)
    }
  })

  test('when its checkpoint is malformed, or not the one that the rows lead to', () => {
    const event = history.event(1, 3)
    const replica = at(history, 1)
    assert.equal(replica.apply({ ...event, position: 'nonsense' }).kind, 'resync')
    assert.equal(replica.apply({ ...event, position: history.position(4) }).kind, 'resync')
    assert.equal(replica.checkpoint?.seq, 1)
  })
})

describe('another history is refused', () => {
  const ours = new History([revoking(tokenTarget(1)), revoking(tokenTarget(2))])
  const theirs = new History([revoking(tokenTarget(1)), revoking(tokenTarget(9))])

  test('the same seq with another chain is a fork, as event and as snapshot', () => {
    const replica = at(ours, 3)
    assert.deepEqual(replica.apply(theirs.event(2, 3)), { kind: 'fork' })
    assert.deepEqual(replica.load(theirs.snapshot(3)), { kind: 'fork' })
    assert.equal(whyOf(replica, 2), 'revoked')
  })

  test('the same ordinal under another id, and an earlier epoch, are forks', () => {
    const left = new History([EPOCH_2])
    const right = new History([{ ...EPOCH_2, epochId: 'other' }, revoking(tokenTarget(1))])
    assert.deepEqual(at(left, 2).load(right.snapshot(3)), { kind: 'fork' })
    assert.deepEqual(at(left, 2).load(ours.snapshot(3)), { kind: 'fork' })
  })

  test('an epoch row that does not raise the ordinal is a fork', () => {
    const back = new History([EPOCH_2, { ...EPOCH_2, epochId: 'again' }])
    const replica = at(back, 2)
    assert.deepEqual(replica.apply(back.event(2, 3)), { kind: 'fork' })
  })

  test('an older snapshot of the same history is not loaded', () => {
    const replica = at(ours, 3)
    assert.deepEqual(replica.load(ours.snapshot(2)), { kind: 'behind' })
    assert.equal(replica.checkpoint?.seq, 3)
  })
})

test('a snapshot of a new epoch takes nothing back: revocations in lost rows stay in force', () => {
  const before = new History([
    revoking(tokenTarget(1)),
    revoking(tokenTarget(2)),
    revoking({ kind: 'cut', shape: 'client', principals: { source: 'oauth', client: 'client 3' } }),
    { kind: 'hold', id: 'h', target: tokenTarget(4) },
  ])
  const restored = new History([revoking(tokenTarget(1)), EPOCH_2, revoking(tokenTarget(5))])
  const replica = at(before, before.seq)
  assert.deepEqual(replica.load(restored.snapshot(4)), { kind: 'loaded' })
  assert.equal(replica.checkpoint?.ordinal, 2)
  // The cutoff ends what was issued before its own position; the facts are those of row 5 of the first epoch.
  assert.equal(
    judge({
      facts: factsAt(3, { position: 1 as never }),
      index: replica.index as never,
      nowMs: NOW_MS,
      lag: 'fresh',
    }).kind,
    'inactive',
  )
  assert.deepEqual(
    [1, 2, 4, 5, 6].map((token) => whyOf(replica, token)),
    ['revoked', 'revoked', 'held', 'revoked', 'active'],
  )
  restored.add({ kind: 'release', id: 'h' })
  assert.equal(replica.apply(restored.event(4, 5)).kind, 'applied')
  assert.equal(whyOf(replica, 4), 'active', 'only a log row ends a hold')
})
