import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { mock, test } from 'node:test'
import { BODY_TIMEOUT_MS, type BodyRead, readBody } from './read-body.ts'

/** By then the bytes that came with the head have been read, and the rest is waited for. */
const turn = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))

/** A request whose body comes when the test says so, with only the members that `readBody` uses. */
function slow(length: number): { readonly message: IncomingMessage; readonly body: PassThrough } {
  const body = new PassThrough()
  const message = Object.assign(body, { headers: { 'content-length': String(length) } })
  return { body, message: message as unknown as IncomingMessage }
}

test('[P04] a body that does not arrive whole in time is given up once', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const reads: BodyRead[] = []
    const { message, body } = slow(4)
    readBody(message, (read) => reads.push(read))
    await turn()
    mock.timers.tick(BODY_TIMEOUT_MS - 1)
    assert.deepEqual(reads, [])
    mock.timers.tick(1)
    assert.deepEqual(reads, [{ kind: 'too-slow' }])
    body.emit('data', Buffer.from('late'))
    body.emit('end')
    assert.equal(reads.length, 1)
  } finally {
    mock.timers.reset()
  }
})

test('a body that has arrived cannot be late', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const reads: BodyRead[] = []
    const { message, body } = slow(4)
    readBody(message, (read) => reads.push(read))
    await turn()
    body.emit('data', Buffer.from('body'))
    mock.timers.tick(BODY_TIMEOUT_MS)
    assert.deepEqual(
      reads.map(({ kind }) => kind),
      ['body'],
    )
  } finally {
    mock.timers.reset()
  }
})

test('a body that comes with its head is read without a timer', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const reads: BodyRead[] = []
    const { message, body } = slow(4)
    readBody(message, (read) => reads.push(read))
    body.emit('data', Buffer.from('body'))
    await turn()
    assert.deepEqual([reads.length, message.listenerCount('end'), message.listenerCount('close')], [1, 0, 0])
  } finally {
    mock.timers.reset()
  }
})
