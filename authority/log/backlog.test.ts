import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Overloaded, type Principals, realmOrdinal } from '@rescind/core'
import { callerAt } from '../../test/kit/acts.ts'
import { openWorld } from '../../test/kit/realm.ts'
import { Backlog, type SharePath } from './backlog.ts'
import { GROUP_MAX, GroupCommit, ISSUE_QUEUE_MAX, REVOKE_QUEUE_MAX } from './group-commit.ts'
import type { CommitQueue } from './writes.ts'
import { sharesOf } from './writes.ts'

type Item = { readonly name: string; readonly path: SharePath }

/** An item of one caller in one realm. */
function itemOf(realm: number, caller: string, nth = 0): Item {
  return { name: `${realm}/${caller}/${nth}`, path: [realm, 'oauth', caller] }
}

function filled(items: readonly Item[]): Backlog<string> {
  const backlog = new Backlog<string>()
  for (const { name, path } of items) backlog.add(name, path)
  return backlog
}

const many = (count: number, realm: number, caller: string): readonly Item[] =>
  Array.from({ length: count }, (_, nth) => itemOf(realm, caller, nth))

const of = (names: readonly string[], prefix: string): number =>
  names.filter((name) => name.startsWith(prefix)).length

test('realms get equal turns, however much one of them has waiting, and so do callers within a realm', () => {
  const backlog = filled([...many(500, 1, 'a'), ...many(50, 1, 'b'), ...many(3, 2, 'c'), ...many(1, 3, 'd')])
  const first = backlog.take(64)
  assert.deepEqual([of(first, '2/c'), of(first, '3/d')], [3, 1])
  assert.equal(of(first, '1/a') >= 30 && of(first, '1/b') >= 10, true, first.join(' '))
  const rest = backlog.take(1_000)
  assert.equal(first.length + rest.length, 554)
  assert.equal(backlog.size, 0)
  assert.deepEqual(backlog.take(10), [])
})

test('the items of one caller keep their order over any number of turns', () => {
  const backlog = filled([...many(40, 1, 'a'), ...many(40, 2, 'b')])
  const taken: string[] = []
  while (backlog.size > 0) taken.push(...backlog.take(7))
  for (const [prefix, realm, caller] of [
    ['1/', 1, 'a'],
    ['2/', 2, 'b'],
  ] as const)
    assert.deepEqual(
      taken.filter((name) => name.startsWith(prefix)),
      many(40, realm, caller).map(({ name }) => name),
    )
})

test('with more owners than room, each turn goes to the next ones', () => {
  const backlog = filled(Array.from({ length: 10 }, (_, realm) => many(2, realm, 'a')).flat())
  const taken = [backlog.take(4), backlog.take(4), backlog.take(4)].flat()
  assert.deepEqual(new Set(taken.slice(0, 10).map((name) => name.split('/')[0])).size, 10)
})

test('the newest item of the owner with most gives way: by realm, then by source, then by caller', () => {
  const backlog = filled([...many(5, 1, 'a'), ...many(2, 1, 'b'), ...many(3, 2, 'c')])
  assert.equal(backlog.giveWay([3, 'oauth', 'd']), '1/a/4')
  assert.equal(backlog.giveWay([2, 'oauth', 'd']), '1/a/3', 'of 6 and 3')
  assert.equal(backlog.giveWay([1, 'oauth', 'd']), '1/a/2', 'within its own realm')
  assert.equal(
    backlog.giveWay([1, 'chat/x', '']),
    '1/a/1',
    'a source with nothing in it against one with four',
  )
  assert.equal(backlog.size, 6)
  assert.equal(backlog.giveWay([1, 'oauth', 'a']), undefined, 'no owner has more than the newcomer')
  assert.equal(backlog.giveWay([2, 'oauth', 'c']), undefined)
  assert.equal(backlog.size, 6)
  assert.equal(backlog.take(100).length, 6)
})

test('an owner with one item less does not displace another, because they would go on displacing each other', () => {
  const backlog = filled([...many(2, 1, 'a'), ...many(1, 2, 'b')])
  assert.equal(backlog.giveWay([2, 'oauth', 'b']), undefined)
  assert.equal(backlog.giveWay([3, 'oauth', 'c']), '1/a/1')
  assert.equal(backlog.giveWay([3, 'oauth', 'c']), undefined)
})

type Held = { readonly commits: GroupCommit<Item, string>; readonly flushes: readonly (readonly Item[])[] }

/** Group commits whose first flush never ends. */
function held(): Held {
  const flushes: (readonly Item[])[] = []
  const flush = (items: readonly Item[]): Promise<readonly string[]> => {
    flushes.push(items)
    return new Promise(() => {})
  }
  return { flushes, commits: new GroupCommit(flush, queueMicrotask, ({ path }) => path) }
}

async function outcomeOf(submitted: Promise<string>): Promise<string> {
  const settled = submitted.then(
    () => 'done',
    (error: unknown) => (error instanceof Overloaded ? 'full' : 'broken'),
  )
  return Promise.race([settled, new Promise<string>((resolve) => setImmediate(() => resolve('waits')))])
}

for (const [queue, max] of [
  ['revoke', REVOKE_QUEUE_MAX],
  ['issue', ISSUE_QUEUE_MAX],
] as const satisfies readonly (readonly [CommitQueue, number])[])
  test(`[S3] a full ${queue} queue: one more of the flooding realm is refused, and another realm gets in`, async () => {
    const { commits, flushes } = held()
    void commits.submit(itemOf(0, 'z'), queue)
    await Promise.resolve()
    assert.equal(flushes.length, 1, 'the store is busy')
    const flood = many(max, 1, 'a').map((item) => commits.submit(item, queue))
    // The refused writes reject before the test awaits them.
    for (const one of flood) one.catch(() => {})
    assert.equal(commits.waiting, max)
    assert.equal(await outcomeOf(commits.submit(itemOf(1, 'a', max), queue)), 'full')
    assert.equal(await outcomeOf(flood[max - 1] as Promise<string>), 'waits')
    const other = commits.submit(itemOf(2, 'b'), queue)
    assert.equal(await outcomeOf(other), 'waits')
    assert.equal(
      await outcomeOf(flood[max - 1] as Promise<string>),
      'full',
      'the newest of the flood gave way',
    )
    const colleague = commits.submit(itemOf(1, 'c'), queue)
    assert.equal(await outcomeOf(colleague), 'waits', 'another caller of the same realm')
    assert.equal(await outcomeOf(flood[max - 2] as Promise<string>), 'full')
    assert.equal(await outcomeOf(flood[max - 3] as Promise<string>), 'waits')
  })

test('[S3] another realm’s write goes with the group after the next one, however many wait before it', async () => {
  const flushes: (readonly Item[])[] = []
  const ends: (() => void)[] = []
  const commits = new GroupCommit<Item, string>(
    (items) => {
      flushes.push(items)
      return new Promise((resolve) => ends.push(() => resolve(items.map(({ name }) => name))))
    },
    queueMicrotask,
    ({ path }) => path,
  )
  for (const item of many(10 * GROUP_MAX, 1, 'a')) void commits.submit(item, 'revoke')
  const other = commits.submit(itemOf(2, 'b'), 'revoke')
  for (let nth = 0; nth < 2; nth += 1) {
    await new Promise((resolve) => setImmediate(resolve))
    ends[nth]?.()
  }
  assert.equal(await other, '2/b/0')
  assert.equal(flushes[1]?.length, GROUP_MAX)
})

test('[S3] a write takes up room of its realm, of its source there, and of its caller there', async () => {
  const { realm } = await openWorld()
  const by = (of: Principals): SharePath => {
    const dependsOn = [
      callerAt(realm, realm.position(), of).dependency,
      callerAt(realm, realm.position()).dependency,
    ]
    return sharesOf({ realm: realm.ordinal, dependsOn, expects: [], operations: [] })
  }
  assert.deepEqual(by({ source: 'oauth', client: 'c' }), [realm.ordinal, 'oauth', 'c'])
  assert.deepEqual(by({ source: 'identity', subject: '77' }), [realm.ordinal, 'identity', '77'])
  assert.deepEqual(by({ source: 'chat/acme' }), [realm.ordinal, 'chat/acme', ''])
  const own = { realm: realmOrdinal(9), dependsOn: [], expects: [], operations: [] }
  assert.deepEqual(sharesOf(own), [9, '', ''], "the server's own")
})
