import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, jsonAnswer } from './answer.ts'
import { Scans } from './scans.ts'

const OK = jsonAnswer(200, {})

/** An act that is under way until it is told to end. */
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

async function isFull(scans: Scans, key: string): Promise<boolean> {
  return (await scans.run(key, () => OK)) === undefined
}

test('[W94] a key has its room, one more is refused, and other keys are unhurt up to the room of all', async () => {
  const scans = new Scans({ perKeyMax: 2, max: 3 })
  const [first, second, other] = [held(), held(), held()]
  const running = [scans.run('a', first.act), scans.run('a', second.act)]
  assert.equal(await isFull(scans, 'a'), true)
  assert.equal(await isFull(scans, 'b'), false)
  running.push(scans.run('b', other.act))
  assert.equal(await isFull(scans, 'c'), true)
  first.end()
  await running[0]
  assert.equal(await isFull(scans, 'a'), false)
  assert.equal(await isFull(scans, 'c'), false)
  second.end()
  other.end()
  await Promise.all(running)
})

test('[W94] what fails gives its room back', async () => {
  const scans = new Scans({ perKeyMax: 1, max: 1 })
  await assert.rejects(
    scans.run('a', () => {
      throw new Error('no store')
    }),
  )
  await assert.rejects(scans.run('a', () => Promise.reject(new Error('no store'))))
  assert.equal(await isFull(scans, 'a'), false)
})

test('[W94] a long answer keeps its room until its last part is out, it breaks off, or nobody reads on', async () => {
  const scans = new Scans({ perKeyMax: 1, max: 1 })
  const begun = async (answer: Answer): Promise<AsyncIterator<string>> => {
    const given = await scans.run('a', () => answer)
    assert.ok(given !== undefined && given !== 'stale' && typeof given.body !== 'string')
    assert.ok(Symbol.asyncIterator in given.body)
    assert.equal(await isFull(scans, 'a'), true)
    return given.body[Symbol.asyncIterator]()
  }
  const whole = await begun(streamed(['one', 'two']))
  assert.deepEqual([(await whole.next()).value, (await whole.next()).value], ['one', 'two'])
  assert.equal(await isFull(scans, 'a'), true)
  assert.equal((await whole.next()).done, true)
  assert.equal(await isFull(scans, 'a'), false)
  const broken = await begun(streamed(['one'], true))
  await broken.next()
  await assert.rejects(broken.next())
  assert.equal(await isFull(scans, 'a'), false)
  const left = await begun(streamed(['one', 'two']))
  await left.next()
  await left.return?.()
  assert.equal(await isFull(scans, 'a'), false)
  const never = await begun(streamed(['one']))
  await never.return?.()
  assert.equal(await isFull(scans, 'a'), false)
})
