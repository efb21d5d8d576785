import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Overloaded } from '@rescind/core'
import { FairQueue } from './fair-queue.ts'

const MAX = 8

class Line {
  readonly queue: FairQueue = new FairQueue(MAX, 'full')
  readonly refused: string[] = []
  readonly done: string[] = []

  add(from: string, account = 'a'): void {
    const name = `${from} ${account}`
    const work = async (): Promise<void> => void this.done.push(name)
    void this.queue.add({ from, account }, work).catch((error: unknown) => {
      assert.ok(error instanceof Overloaded)
      this.refused.push(name)
    })
  }

  async serve(count: number): Promise<string[]> {
    for (let nth = 0; nth < count; nth += 1) await this.queue.next()?.()
    return this.done.splice(0)
  }
}

test('[W61] addresses take turns however many tasks each has, and a new one overtakes no other', async () => {
  const line = new Line()
  for (let nth = 0; nth < 5; nth += 1) line.add('10.0.0.1')
  line.add('10.0.0.2')
  assert.deepEqual(await line.serve(3), ['10.0.0.1 a', '10.0.0.2 a', '10.0.0.1 a'])
  // Two new ones, and one that was served before, in the order of arrival.
  line.add('10.0.0.2')
  line.add('10.0.0.3')
  line.add('10.0.0.4')
  assert.deepEqual(await line.serve(4), ['10.0.0.1 a', '10.0.0.2 a', '10.0.0.3 a', '10.0.0.4 a'])
})

test('[W61] within an address accounts take turns: behind one proxy a flood about one account stops no other', async () => {
  const line = new Line()
  for (let nth = 0; nth < 5; nth += 1) line.add('10.0.0.1', 'victim')
  line.add('10.0.0.1', 'other')
  assert.deepEqual(await line.serve(3), ['10.0.0.1 victim', '10.0.0.1 other', '10.0.0.1 victim'])
})

test('[W61] a full queue takes from the address that has the most, the newest first', async () => {
  const line = new Line()
  for (let nth = 0; nth < MAX; nth += 1) line.add('10.0.0.1', `u${nth}`)
  line.add('10.0.0.1', 'one more')
  line.add('10.0.0.2')
  line.add('10.0.0.2')
  await Promise.resolve()
  assert.deepEqual(line.refused.toSorted(), ['10.0.0.1 one more', '10.0.0.1 u6', '10.0.0.1 u7'])
  for (let nth = 0; nth < 20; nth += 1) line.add('10.0.0.2')
  assert.equal(line.queue.size, MAX)
  assert.equal((await line.serve(MAX)).filter((name) => name.startsWith('10.0.0.1')).length, MAX / 2)
})

test('[W61] addresses of one /64 are one, and many addresses about one account leave room for another account', async () => {
  const line = new Line()
  for (let nth = 0; nth < MAX; nth += 1) line.add(`2001:db8::${nth}`, `u${nth}`)
  line.add('2001:db8:0:1::1', 'modest')
  await Promise.resolve()
  assert.deepEqual(line.refused, ['2001:db8::7 u7'])
  const other = new Line()
  for (let nth = 0; nth < MAX; nth += 1) other.add(`10.0.0.${nth}`, 'victim')
  other.add('10.0.1.1', 'modest')
  await Promise.resolve()
  assert.equal(other.refused.length, 1)
  other.add('10.0.1.2', 'victim')
  await Promise.resolve()
  assert.equal(other.refused.length, 2, 'one more about the same account has no room')
})

test('[W61] a task that has left the queue leaves nothing behind', async () => {
  const line = new Line()
  for (let nth = 0; nth < 10_000; nth += 1) {
    line.add(`10.0.${nth % 200}.1`, `u${nth}`)
    await line.serve(1)
  }
  assert.equal(line.queue.size, 0)
})

test('a closed queue refuses waiting and new tasks, and a running one goes on', async () => {
  const queue = new FairQueue(8, 'too many')
  const begun = queue.add({ from: '192.0.2.1', account: 'ann' }, async () => 'done')
  const start = queue.next()
  const waiting = queue.add({ from: '192.0.2.2', account: 'bob' }, async () => 'never')
  queue.close()
  await assert.rejects(waiting, Overloaded)
  await assert.rejects(
    queue.add({ from: '192.0.2.3', account: 'eve' }, async () => 'never'),
    Overloaded,
  )
  await start?.()
  assert.equal(await begun, 'done')
  assert.equal(queue.next(), undefined)
})
