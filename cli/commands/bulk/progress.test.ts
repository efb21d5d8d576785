import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Line } from '../../frame/lines.ts'
import { Progress } from './progress.ts'

const nowhere = (): never => {
  throw new Error('there is no terminal')
}

test('without a terminal a line every five seconds says how far it is, how fast, and what is left', () => {
  let nowMs = 0
  const told: Line[] = []
  const io = { hasLiveErrors: false, note: (line: Line) => void told.push(line), liveProgress: nowhere }
  const progress = new Progress({ io, linesAll: 100_000, nowMs: () => nowMs })
  progress.begin(0)
  for (const [atMs, lines] of [
    [1_000, 1_000],
    [4_999, 5_000],
    [5_000, 10_000],
    [9_000, 20_000],
    [10_000, 50_000],
  ] as const) {
    nowMs = atMs
    progress.show({ lines, revoked: lines - 1, notOurs: 1, already: 0 })
  }
  assert.deepEqual(told, [
    '10 %, 10,000 of 100,000 lines, 2,000 lines/s, 45 s left; revoked 9,999, notOurs 1',
    '50 %, 50,000 of 100,000 lines, 5,000 lines/s, 10 s left; revoked 49,999, notOurs 1',
  ])
})

test('what an earlier attempt has done counts in no rate, and a list of unknown length has no share', () => {
  let nowMs = 0
  const told: Line[] = []
  const io = { hasLiveErrors: false, note: (line: Line) => void told.push(line), liveProgress: nowhere }
  const progress = new Progress({ io, linesAll: undefined, nowMs: () => nowMs })
  progress.begin(40_000)
  nowMs = 20_000
  progress.show({ lines: 40_200, revoked: 1 })
  nowMs = 30_000
  progress.show({ lines: 41_200, revoked: 2 })
  assert.deepEqual(told, ['40,200 lines, 0 lines/s; revoked 1', '41,200 lines, 100 lines/s; revoked 2'])
})
