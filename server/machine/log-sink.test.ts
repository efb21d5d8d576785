import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LogSink } from './log-sink.ts'

/** An outflow that takes as many bytes as the test says, when the test says so. */
class HandOutflow {
  readonly taken: string[] = []
  readonly now: string[] = []
  #asked: { readonly bytes: Buffer; readonly done: (taken: number) => void } | undefined

  readonly write = (bytes: Buffer, done: (taken: number) => void): void => {
    assert.equal(this.#asked, undefined, 'one write at a time')
    this.#asked = { bytes, done }
  }

  readonly writeNow = (bytes: Buffer): void => {
    this.now.push(bytes.toString('utf8'))
  }

  get isAsked(): boolean {
    return this.#asked !== undefined
  }

  take(count?: number): void {
    const asked = this.#asked
    assert.ok(asked !== undefined)
    this.#asked = undefined
    const bytes = count ?? asked.bytes.length
    this.taken.push(asked.bytes.toString('utf8', 0, bytes))
    asked.done(bytes)
  }
}

const LINE = '0123456789\n'

function sinkOf(bufferMaxBytes: number): {
  readonly outflow: HandOutflow
  readonly sink: LogSink
  readonly retry: () => void
} {
  const outflow = new HandOutflow()
  const retries: (() => void)[] = []
  const sink: LogSink = new LogSink({
    outflow,
    bufferMaxBytes,
    after: (_delayMs, task) => void retries.push(task),
    onRecovered: (dropped) => sink.write(`dropped ${dropped}\n`),
  })
  return { outflow, sink, retry: () => retries.shift()?.() }
}

describe('[W62] log lines that standard output does not take', () => {
  it('wait up to the bound; the next one is dropped and counted, and no caller waits', () => {
    const { outflow, sink } = sinkOf(LINE.length * 3)
    for (let at = 0; at < 3; at += 1) sink.write(LINE)
    assert.deepEqual([sink.dropped, sink.waitingBytes], [0, LINE.length * 3])
    sink.write(LINE)
    assert.deepEqual([sink.dropped, sink.waitingBytes], [1, LINE.length * 3])
    assert.equal(outflow.isAsked, true)
  })

  it('are reported by one line, once there is room again, and only once', () => {
    const { outflow, sink } = sinkOf(LINE.length * 2)
    for (let at = 0; at < 5; at += 1) sink.write(LINE)
    outflow.take()
    outflow.take()
    assert.equal(outflow.taken.join(''), `${LINE}${LINE}dropped 3\n`)
    sink.write(LINE)
    outflow.take()
    assert.equal(outflow.taken.at(-1), LINE)
    assert.equal(sink.dropped, 3)
  })

  it('go on where a full volume broke off, in order, tried again only after a while', () => {
    const { outflow, sink, retry } = sinkOf(1_000)
    sink.write('first\n')
    outflow.take(2)
    sink.write('second\n')
    assert.equal(outflow.isAsked, false)
    retry()
    outflow.take(0)
    assert.equal(outflow.isAsked, false)
    retry()
    outflow.take()
    assert.equal(outflow.taken.join(''), 'first\nsecond\n')
    assert.equal(sink.waitingBytes, 0)
  })

  it('are counted in bytes, not in characters', () => {
    const { sink } = sinkOf(9)
    sink.write('äääx\n')
    assert.equal(sink.waitingBytes, 8)
    sink.write('ä\n')
    assert.equal(sink.dropped, 1)
  })

  it('are waited for by a server that stops, until they are out', async () => {
    const { outflow, sink } = sinkOf(1_000)
    await sink.whenIdle()
    sink.write(LINE)
    let isIdle = false
    const idle = sink.whenIdle().then(() => {
      isIdle = true
    })
    assert.equal(isIdle, false)
    outflow.take()
    await idle
  })

  it('have one last chance when the process ends, unless they are being written already', () => {
    const { outflow, sink, retry } = sinkOf(1_000)
    sink.write(LINE)
    sink.write('last\n')
    sink.end()
    assert.deepEqual(outflow.now, [])
    outflow.take(0)
    retry()
    outflow.take()
    sink.end()
    assert.deepEqual(outflow.now, [])
  })
})
