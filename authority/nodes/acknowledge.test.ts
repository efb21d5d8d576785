import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realmOrdinal } from '@rescind/core'
import { HandTime, settled } from '../../test/kit/hand-timers.ts'
import { Acknowledger, type Reading } from './acknowledge.ts'

const REALM = realmOrdinal(1)

/** This node `a` beside `b` and `c`; readings are answered when the test says so. */
function waits(settledSeq = 9) {
  const time = new HandTime()
  const answers: ((reading: Reading) => void)[] = []
  const acknowledger = new Acknowledger({
    ...{ self: 'a', boundMs: 1_000, clock: time, later: time.after },
    settledSeq: () => settledSeq,
    read: () => {
      const { promise, resolve } = Promise.withResolvers<Reading>()
      answers.push(resolve)
      return promise
    },
  })
  const read = async (seqs: Readonly<Record<string, number>>): Promise<void> => {
    const rows = Object.entries(seqs).map(([node, seq]) => ({
      ...{ node, counter: 1, boundMs: 1_000 },
      marks: new Map([[REALM, seq]]),
    }))
    answers.shift()?.({ rows, heads: new Map([[REALM, 9]]) })
    await settled()
  }
  const told = async (node: string, seq: number): Promise<void> => {
    acknowledger.marked({ node, seqs: new Map([[REALM, seq]]) })
    await settled()
  }
  return { acknowledger, answers, read, told }
}

/** Whether it has resolved. */
function watched(promise: Promise<void>): () => boolean {
  let isDone = false
  void promise.then(() => {
    isDone = true
  })
  return () => isDone
}

test('a row is acknowledged once every node of a reading has told that it has folded it, without another reading', async () => {
  const { acknowledger, answers, read, told } = waits()
  const isDone = watched(acknowledger.written(REALM, 9))
  await read({ a: 9, b: 8, c: 8 })
  await told('b', 9)
  await told('c', 8)
  assert.equal(isDone(), false)
  await told('c', 10)
  assert.deepEqual([isDone(), answers.length], [true, 0])
})

test('what nodes tell proves nothing before a reading has shown which nodes there are', async () => {
  const { acknowledger, read, told } = waits()
  const isDone = watched(acknowledger.written(REALM, 9))
  await told('b', 9)
  await told('c', 9)
  assert.equal(isDone(), false)
  await read({ a: 9, b: 8, c: 8, d: 8 })
  assert.equal(isDone(), false)
  await told('d', 9)
  assert.equal(isDone(), true)
})

test('an answer that wrote nothing counts what nodes tell only once a reading has named the row', async () => {
  const { acknowledger, answers, read, told } = waits()
  const isDone = watched(acknowledger.unchanged(REALM))
  await told('b', 8)
  await told('b', 9)
  await read({ a: 9, b: 8 })
  // It had moved while the reading was under way, so there is another one.
  assert.deepEqual([isDone(), answers.length], [false, 1])
  await told('b', 9)
  assert.equal(isDone(), true)
})

test('a node that has not folded a row itself does not acknowledge it, whatever the others tell', async () => {
  const { acknowledger, read, told } = waits(8)
  const isDone = watched(acknowledger.written(REALM, 9))
  await read({ a: 9, b: 9 })
  await told('b', 9)
  assert.equal(isDone(), false)
})
