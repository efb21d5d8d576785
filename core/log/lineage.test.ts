import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Epoch, relationOf } from './lineage.ts'

/** Three epochs; ordinal 3 is missing because an operator restored an older backup into a newer epoch. */
const EPOCHS: readonly Epoch[] = [
  { ordinal: 1, epochId: 'a', seq: 1 },
  { ordinal: 2, epochId: 'b', seq: 51 },
  { ordinal: 4, epochId: 'd', seq: 80 },
]
const HEAD = { seq: 100 }

function say(ordinal: number, epochId: string, seq: number): string {
  return relationOf({ ordinal, epochId, seq, chain: '' }, EPOCHS, HEAD)
}

test('a checkpoint up to the head, in the epoch that its seq lies in, is on the log', () => {
  for (const [ordinal, id, seq] of [
    [1, 'a', 1],
    [1, 'a', 50],
    [2, 'b', 51],
    [2, 'b', 79],
    [4, 'd', 80],
    [4, 'd', 100],
  ] as const)
    assert.equal(say(ordinal, id, seq), 'on')
})

test('a checkpoint beyond the head, in a later epoch, or in the same one under another name, proves a fork', () => {
  assert.equal(say(4, 'd', 101), 'fork')
  assert.equal(say(5, 'e', 1), 'fork')
  assert.equal(say(4, 'x', 90), 'fork')
  assert.equal(say(1, 'x', 10), 'fork')
  assert.equal(say(4, 'd', 79), 'fork')
})

test('a checkpoint past the end of an earlier epoch knows rows that this log left behind', () => {
  assert.equal(say(1, 'a', 51), 'left')
  assert.equal(say(2, 'b', 1_000), 'left')
  assert.equal(say(3, 'c', 60), 'left')
})

test('a log without epochs has no checkpoint', () => {
  assert.equal(relationOf({ ordinal: 1, epochId: 'a', seq: 1, chain: '' }, [], HEAD), 'fork')
})
