import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, jsonAnswer } from './answer.ts'
import { type ScanShare, Scans } from './scans.ts'

const OK = jsonAnswer(200, {})

/** Three keys, each in its own realm. */
const [A, B, C] = ['a', 'b', 'c'].map((name): ScanShare => ({ realm: name, key: name })) as [
  ScanShare,
  ScanShare,
  ScanShare,
]

/** An act that runs until `end` is called. */
function held(): { readonly act: () => Promise<Answer>; readonly end: (answer?: Answer) => void } {
  const { promise, resolve } = Promise.withResolvers<Answer>()
  return { act: () => promise, end: (answer = OK) => resolve(answer) }
}

function streamed(parts: readonly string[], fails = false): Answer {
  async function* body(): AsyncGenerator<string, void> {
    yield* parts
    if (fails) throw new Error('broke off')
  }
  return { status: 200, headers: {}, body: body() }
}

async function isFull(scans: Scans, key: ScanShare): Promise<boolean> {
  return (await scans.run(key, () => OK)) === undefined
}

test('[W94] a key over its bound is refused, and other keys go on up to the bound for all', async () => {
  const scans = new Scans({ perKeyMax: 2, max: 5 })
  const [first, others] = [held(), held()]
  const running = [scans.run(A, first.act), scans.run(A, others.act)]
  assert.equal(await isFull(scans, A), true)
  assert.equal(await isFull(scans, B), false)
  running.push(scans.run(B, others.act), scans.run(B, others.act), scans.run(C, others.act))
  assert.equal(await isFull(scans, { realm: 'd', key: 'd' }), true, 'all have their room')
  first.end()
  await running[0]
  assert.equal(await isFull(scans, { realm: 'd', key: 'd' }), false)
  others.end()
  await Promise.all(running)
})

// Failure to prevent: one realm takes all the room by using many keys.
test('[S3] a realm may take as much room as it leaves free; one more is refused, and another realm goes on', async () => {
  const scans = new Scans({ perKeyMax: 2, max: 8 })
  const under = held()
  const begin = async (realm: string, count: number): Promise<number> => {
    let begun = 0
    for (let nth = 0; nth < count; nth += 1) {
      const running = scans.run({ realm, key: `${realm}${nth}` }, under.act)
      const ended = running.then(() => false)
      const runs = new Promise<boolean>((resolve) => setImmediate(() => resolve(true)))
      if (await Promise.race([ended, runs])) begun += 1
    }
    return begun
  }
  assert.equal(await begin('greedy', 8), 4, 'half of all, when nobody else asks')
  assert.equal(await begin('second', 8), 2)
  assert.equal(await begin('third', 8), 1)
  assert.equal(await isFull(scans, { realm: 'greedy', key: 'new' }), true)
  assert.equal(await isFull(scans, { realm: 'fourth', key: 'new' }), false)
  under.end()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(await isFull(scans, { realm: 'greedy', key: 'new' }), false)
})

test('[W94] a scan that fails gives its room back', async () => {
  const scans = new Scans({ perKeyMax: 1, max: 1 })
  await assert.rejects(
    scans.run(A, () => {
      throw new Error('no store')
    }),
  )
  await assert.rejects(scans.run(A, () => Promise.reject(new Error('no store'))))
  assert.equal(await isFull(scans, A), false)
})

test('[W94] a streamed answer keeps its room until it ends, fails, or its reader stops', async () => {
  const scans = new Scans({ perKeyMax: 1, max: 1 })
  const begun = async (answer: Answer): Promise<AsyncIterator<string>> => {
    const given = await scans.run(A, () => answer)
    assert.ok(given !== undefined && typeof given.body !== 'string')
    assert.ok(Symbol.asyncIterator in given.body)
    assert.equal(await isFull(scans, A), true)
    return given.body[Symbol.asyncIterator]()
  }
  const whole = await begun(streamed(['one', 'two']))
  assert.deepEqual([(await whole.next()).value, (await whole.next()).value], ['one', 'two'])
  assert.equal(await isFull(scans, A), true)
  assert.equal((await whole.next()).done, true)
  assert.equal(await isFull(scans, A), false)
  const broken = await begun(streamed(['one'], true))
  await broken.next()
  await assert.rejects(broken.next())
  assert.equal(await isFull(scans, A), false)
  const left = await begun(streamed(['one', 'two']))
  await left.next()
  await left.return?.()
  assert.equal(await isFull(scans, A), false)
  const never = await begun(streamed(['one']))
  await never.return?.()
  assert.equal(await isFull(scans, A), false)
})
