import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Overloaded, StoreUnavailable } from '@rescind/core'
import { GROUP_MAX, GroupCommit, ISSUE_QUEUE_MAX, REVOKE_QUEUE_MAX } from './group-commit.ts'
import type { CommitQueue } from './writes.ts'

type Flushing = { readonly items: readonly string[]; finish(): void; fail(error: unknown): void }

/** Tasks that the running test's bench has deferred. */
let deferrals: (() => void)[] = []

/** A group commit whose flushes end and deferred tasks run only when the test says so. */
class Bench {
  readonly flushes: Flushing[] = []
  readonly deferred: (() => void)[] = []
  readonly commits: GroupCommit<string, string> = new GroupCommit(
    (items) =>
      new Promise((resolve, reject) => {
        this.flushes.push({ items, finish: () => resolve(items.map((item) => `${item}!`)), fail: reject })
      }),
    (task) => {
      this.deferred.push(task)
      deferrals = this.deferred
    },
  )

  defer(): void {
    for (const task of this.deferred.splice(0)) task()
  }

  submitMany(count: number, queue: CommitQueue): Promise<string>[] {
    return Array.from({ length: count }, (_, at) => this.commits.submit(`${queue}${at}`, queue))
  }
}

/** Runs promises and deferred tasks until none is left. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn += 1) {
    await Promise.resolve()
    if (turn >= 5) for (const task of deferrals.splice(0)) task()
  }
}

const count = (items: readonly string[], queue: CommitQueue): number =>
  items.filter((item) => item.startsWith(queue)).length

test('an idle store flushes at once, and writes that arrived together go together', async () => {
  const bench = new Bench()
  const first = bench.commits.submit('a', 'issue')
  const second = bench.commits.submit('b', 'issue')
  assert.deepEqual([bench.deferred.length, bench.flushes.length], [1, 0])
  bench.defer()
  assert.deepEqual(
    bench.flushes.map(({ items }) => items),
    [['a', 'b']],
  )
  bench.flushes[0]?.finish()
  assert.deepEqual(await Promise.all([first, second]), ['a!', 'b!'])
})

test('one flush is in flight; what arrives meanwhile goes next, all together', async () => {
  const bench = new Bench()
  void bench.commits.submit('a', 'issue')
  bench.defer()
  void bench.commits.submit('b', 'issue')
  void bench.commits.submit('c', 'revoke')
  bench.defer()
  await settled()
  assert.equal(bench.flushes.length, 1)
  assert.equal(bench.commits.waiting, 2)
  bench.flushes[0]?.finish()
  await settled()
  assert.deepEqual(bench.flushes[1]?.items, ['c', 'b'])
  bench.flushes[1]?.finish()
  await settled()
  void bench.commits.submit('d', 'issue')
  bench.defer()
  assert.deepEqual(bench.flushes[2]?.items, ['d'])
})

test('revocations go first, and a flood of them leaves issuing its share of every group', async () => {
  const bench = new Bench()
  void bench.submitMany(1_000, 'issue')
  void bench.submitMany(1_000, 'revoke')
  bench.defer()
  const group = bench.flushes[0]?.items ?? []
  assert.equal(group.length, GROUP_MAX)
  assert.deepEqual([count(group, 'revoke'), count(group, 'issue')], [GROUP_MAX - 32, 32])
  assert.equal(
    group.findIndex((item) => item.startsWith('issue')),
    GROUP_MAX - 32,
    'revocations stand first',
  )
  assert.deepEqual(group.slice(-2), ['issue30', 'issue31'])
})

test('one queue uses the room that the other leaves', async () => {
  for (const [revoke, issue, expected] of [
    [300, 0, [GROUP_MAX, 0]],
    [0, 300, [0, GROUP_MAX]],
    [10, 300, [10, GROUP_MAX - 10]],
    [300, 5, [GROUP_MAX - 5, 5]],
    [100, 100, [100, 100]],
  ] as const) {
    const bench = new Bench()
    void bench.submitMany(revoke, 'revoke')
    void bench.submitMany(issue, 'issue')
    bench.defer()
    const group = bench.flushes[0]?.items ?? []
    assert.deepEqual([count(group, 'revoke'), count(group, 'issue')], expected)
  }
})

test('each queue takes its limit and refuses one more, and the other queue is not touched', async () => {
  for (const [queue, other, limit] of [
    ['issue', 'revoke', ISSUE_QUEUE_MAX],
    ['revoke', 'issue', REVOKE_QUEUE_MAX],
  ] as const) {
    const bench = new Bench()
    void bench.submitMany(limit, queue)
    assert.equal(bench.commits.waiting, limit)
    await assert.rejects(bench.commits.submit('more', queue), Overloaded)
    assert.equal(bench.commits.waiting, limit)
    void bench.commits.submit('fine', other)
    assert.equal(bench.commits.waiting, limit + 1)
    bench.defer()
    void bench.commits.submit('room again', queue)
  }
})

test('a failed flush fails all of its own writes, and no others', async () => {
  const bench = new Bench()
  const failing = [bench.commits.submit('a', 'issue'), bench.commits.submit('b', 'revoke')]
  bench.defer()
  const later = bench.commits.submit('c', 'issue')
  const outage = new StoreUnavailable('gone')
  const failures = Promise.allSettled(failing)
  bench.flushes[0]?.fail(outage)
  for (const one of await failures) assert.deepEqual(one, { status: 'rejected', reason: outage })
  await settled()
  bench.flushes[1]?.finish()
  assert.equal(await later, 'c!')
})

test('a flush that throws at once fails its group, and the next one goes on', async () => {
  let calls = 0
  const commits = new GroupCommit<string, string>((items) => {
    calls += 1
    if (calls === 1) throw new StoreUnavailable('at once')
    return Promise.resolve([...items])
  }, queueMicrotask)
  await assert.rejects(commits.submit('a', 'issue'), StoreUnavailable)
  assert.equal(await commits.submit('b', 'issue'), 'b')
})

test('closing waits for all accepted writes and accepts no more', async () => {
  const bench = new Bench()
  const first = bench.commits.submit('a', 'issue')
  bench.defer()
  const second = bench.commits.submit('b', 'revoke')
  let isClosed = false
  const closing = bench.commits.close().then(() => {
    isClosed = true
  })
  await assert.rejects(bench.commits.submit('c', 'revoke'), StoreUnavailable)
  bench.flushes[0]?.finish()
  await settled()
  assert.deepEqual([isClosed, bench.flushes[1]?.items], [false, ['b']])
  bench.flushes[1]?.finish()
  await closing
  assert.deepEqual(await Promise.all([first, second]), ['a!', 'b!'])
})

test('closing drains a flush that has not begun, and ends at once when idle', async () => {
  const bench = new Bench()
  const only = bench.commits.submit('a', 'issue')
  const closing = bench.commits.close()
  bench.defer()
  bench.flushes[0]?.finish()
  assert.equal(await only, 'a!')
  await closing
  await new Bench().commits.close()
})

test('closing ends, too, when the last flush fails', async () => {
  const bench = new Bench()
  const failing = assert.rejects(bench.commits.submit('a', 'issue'), StoreUnavailable)
  bench.defer()
  const closing = bench.commits.close()
  bench.flushes[0]?.fail(new StoreUnavailable('gone'))
  await failing
  await closing
})

test('a background write goes alone or with others, but in no group with a revocation, nor before one that waits', async () => {
  const bench = new Bench()
  void bench.submitMany(3, 'background')
  void bench.submitMany(1, 'revoke')
  void bench.submitMany(1, 'issue')
  bench.defer()
  const groups: string[][] = []
  for (;;) {
    await settled()
    const flush = bench.flushes[groups.length]
    if (flush === undefined) break
    groups.push([...flush.items])
    if (groups.length === 2) void bench.submitMany(1, 'revoke')
    flush.finish()
  }
  assert.deepEqual(groups, [
    ['revoke0', 'issue0'],
    ['background0'],
    ['revoke0'],
    ['background1'],
    ['background2'],
  ])
})
