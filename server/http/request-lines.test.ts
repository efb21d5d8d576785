import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { LINES_BURST, LINES_PER_ADDRESS, LINES_PER_SECOND, RequestLines } from './request-lines.ts'

// The kind: any client can cause log lines, from one address, one /64 or many, and so could fill the disk.

class Log {
  nowMs = 0
  readonly written: Record<string, unknown>[] = []
  readonly lines: RequestLines = new RequestLines(
    pino(
      {},
      { write: (text: string) => void this.written.push(JSON.parse(text) as Record<string, unknown>) },
    ),
    () => this.nowMs,
  )

  deny(from: string, count = 1): number {
    const before = this.written.length
    for (let nth = 0; nth < count; nth += 1) this.lines.write('info', { status: 401, from }, 'denied')
    return this.written.length - before
  }
}

test('[W88] [P02] one address fills so many lines a second, and a second one its own', () => {
  const log = new Log()
  assert.equal(log.deny('192.0.2.1', 3_000), LINES_PER_ADDRESS)
  assert.equal(log.deny('192.0.2.2'), 1)
  assert.equal(
    log.written.at(-1)?.['linesLeftOut'],
    3_000 - LINES_PER_ADDRESS,
    'and what was left out is told',
  )
  assert.equal(log.deny('192.0.2.3'), 1)
  assert.equal(log.written.at(-1)?.['linesLeftOut'], undefined, 'once')
})

test('[W88] [P02] 3,000 addresses of one /64 are one address', () => {
  const log = new Log()
  let lines = 0
  for (let nth = 0; nth < 3_000; nth += 1) lines += log.deny(`2001:db8::${nth.toString(16)}`)
  assert.equal(lines, LINES_PER_ADDRESS)
  assert.equal(log.deny('2001:db8:0:1::1'), 1)
})

test('[W88] [P02] all addresses together fill so many lines, whatever the wall clock says', () => {
  const log = new Log()
  let lines = 0
  for (let nth = 0; nth < 5_000; nth += 1)
    lines += log.deny(`2001:db8:${(nth >> 8).toString(16)}:${(nth & 255).toString(16)}::1`)
  assert.equal(lines, LINES_BURST)
  log.nowMs += 1_000
  lines = 0
  for (let nth = 0; nth < 1_000; nth += 1) lines += log.deny(`10.1.${nth >> 8}.${nth & 255}`)
  assert.equal(lines, LINES_PER_SECOND)
  assert.ok(log.written.reduce((bytes, line) => bytes + JSON.stringify(line).length, 0) < 100_000)
})

test('[W88] what cannot be answered is bounded, too', () => {
  const log = new Log()
  for (let nth = 0; nth < 3_000; nth += 1)
    log.lines.write('warn', { route: '/x', from: '192.0.2.1' }, 'could not answer')
  for (let nth = 0; nth < 3_000; nth += 1)
    log.lines.write('warn', { issuer: 'x' }, 'the keys of an issuer are unavailable')
  assert.equal(log.written.length, LINES_BURST)
})
