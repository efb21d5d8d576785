import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Buckets } from './buckets.ts'
import { RequestTimes, WINDOW_SECONDS } from './request-times.ts'

function opened(): { readonly times: RequestTimes; readonly at: (ms: number) => void } {
  let nowMs = 5_000
  const times = new RequestTimes({ classOf: (route) => route.slice(1, 2), monotonicMs: () => nowMs })
  return {
    times,
    at: (ms) => {
      nowMs = 5_000 + ms
    },
  }
}

test('a quantile is the bound that this share of the values does not exceed', () => {
  const buckets = new Buckets([1, 10, 100])
  assert.equal(buckets.quantile(0.5), undefined)
  for (const value of [1, 1, 1, 5, 10, 11, 100, 101, 1_000, 0]) buckets.add(value)
  assert.deepEqual([...buckets.counts], [4, 2, 2, 2])
  assert.deepEqual(
    [0.4, 0.5, 0.8, 0.81].map((share) => buckets.quantile(share)),
    [1, 10, 100, Infinity],
  )
  assert.equal(buckets.sum, 1_230)
})

test('a window holds the last whole seconds and nothing older', () => {
  const { times, at } = opened()
  times.answered('/a', 200, 4_990)
  assert.deepEqual(times.window(), { seconds: 0, classes: times.window().classes })
  assert.equal(times.window().classes[0]?.requests, 0, 'the running second is not over')
  at(1_000)
  times.answered('/a', 404, 5_000)
  times.answered('/b', 503, 5_990)
  assert.equal(times.window().seconds, 1)
  assert.equal(times.window().classes[0]?.requests, 1)
  at(2_000)
  const [first, second] = times.window().classes
  assert.deepEqual([first?.requests, first?.refused, first?.failed], [2, 1, 0])
  assert.deepEqual([second?.requests, second?.refused, second?.failed], [1, 0, 1])
  assert.equal(first?.times.quantile(1), 1_000)
  at(WINDOW_SECONDS * 1_000 + 1_000)
  assert.deepEqual([times.window().seconds, times.window().classes[0]?.requests], [WINDOW_SECONDS, 1])
  at(WINDOW_SECONDS * 1_000 + 2_000)
  assert.equal(times.window().classes[0]?.requests, 0)
  at(1_000_000)
  assert.equal(times.window().classes[0]?.requests, 0)
})

test('a request that was refused early counts, and has no latency of its route', () => {
  const { times } = opened()
  times.answered('refused early', 400, undefined)
  const [[route, kept] = []] = [...times.routes]
  assert.deepEqual([route, kept?.statuses.get(400), kept?.times.total], ['refused early', 1, 0])
})

test('routes beyond the most that there can be are not kept', () => {
  const { times } = opened()
  for (let nth = 0; nth < 3_000; nth += 1) times.answered(`/a${nth}`, 200, 5_000)
  assert.equal([...times.routes].length, 2_000)
})
