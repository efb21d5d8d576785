import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realmOrdinal, StoreUnavailable } from '@rescind/core'
import { HandTime, settled } from '../../test/kit/hand-timers.ts'
import { FoldMarks } from './fold-marks.ts'

const [ONE, TWO] = [realmOrdinal(1), realmOrdinal(2)]
const headAt = (seq: number) => ({ seq, chain: Buffer.alloc(32, seq) })

/** A store that takes marks when the test says so. */
function markedStore() {
  const time = new HandTime()
  const written: { readonly seqs: readonly (readonly [number, number])[]; readonly durably: boolean }[] = []
  const answers: ((isWritten: boolean) => void)[] = []
  const marks = new FoldMarks({
    later: time.after,
    write: (given, durably) => {
      written.push({ seqs: [...given].map(([realm, { seq }]) => [realm, seq]), durably })
      const { promise, resolve } = Promise.withResolvers<boolean>()
      answers.push(resolve)
      return promise
    },
  })
  const answer = async (isWritten = true): Promise<void> => {
    answers.shift()?.(isWritten)
    await settled()
  }
  return { time, written, marks, answer }
}

test('what was folded during a write goes along with the next one, the last row of each realm', async () => {
  const { time, written, marks, answer } = markedStore()
  marks.folded(ONE, headAt(1))
  marks.folded(ONE, headAt(2))
  marks.folded(TWO, headAt(5))
  await answer()
  // The others are told at most every five milliseconds.
  await time.run(4)
  assert.equal(written.length, 1)
  marks.folded(ONE, headAt(3))
  await time.run(1)
  await answer()
  assert.deepEqual(
    written.map(({ seqs }) => seqs),
    [
      [[1, 1]],
      [
        [1, 3],
        [2, 5],
      ],
    ],
  )
})

test('marks that may not be there are written again, unless newer ones follow', async () => {
  const { time, written, marks, answer } = markedStore()
  marks.folded(ONE, headAt(1))
  marks.folded(TWO, headAt(1))
  await answer(false)
  marks.folded(TWO, headAt(2))
  await time.run(1_000)
  await answer()
  assert.deepEqual(written.at(-1)?.seqs, [
    [2, 2],
    [1, 1],
  ])
})

test('a realm is opened only when its first mark is durable', async () => {
  const { written, marks, answer } = markedStore()
  const opened = marks.opening(ONE)
  assert.deepEqual(written, [{ seqs: [[1, 0]], durably: true }])
  await answer(false)
  await assert.rejects(opened, StoreUnavailable)
})

test('a realm that is refused is not waited for until it is opened again', async () => {
  const { written, marks, answer } = markedStore()
  marks.refused(ONE)
  await answer()
  assert.deepEqual(written, [{ seqs: [[1, Number.MAX_SAFE_INTEGER]], durably: false }])
})

test('a realm that is served again is waited for, though an earlier mark was to be written once more', async () => {
  const { time, written, marks, answer } = markedStore()
  marks.refused(ONE)
  await settled()
  const opened = marks.opening(ONE)
  await answer(false)
  await answer()
  await opened
  await time.run(1_000)
  assert.deepEqual(
    written.map(({ seqs }) => seqs[0]?.[1]),
    [Number.MAX_SAFE_INTEGER, 0],
  )
})
