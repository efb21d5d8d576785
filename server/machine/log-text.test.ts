import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { logText } from './log-text.ts'

function written(members: object, message: string): string {
  let text = ''
  const sink = { write: (line: string) => void (text += logText(line)) }
  pino({ timestamp: () => ',"time":1796020153000' }, sink).warn(members, message)
  return text
}

test('a line for people has the time, the level, the message and the members', () => {
  assert.equal(
    written({ url: 'http://127.0.0.1:8080', status: 503, why: 'no room' }, 'could not answer'),
    '2026-11-30T06:29:13.000Z warn  could not answer url=http://127.0.0.1:8080 status=503 why="no room"\n',
  )
})

test('an error is told with its stack, on the same line', () => {
  const text = written({ err: new Error('broken') }, 'failed')
  assert.match(text, /warn {2}failed err=\{"type":"Error","message":"broken","stack":"Error: broken\\n/)
  assert.equal(text.split('\n').length, 2)
})

test('nothing that a client sent moves the cursor, forges a line or hides text', () => {
  const text = written(
    { from: '\u001b[2J\u009b1A', path: 'a\u202egnp', name: 'x=1 level=info' },
    'a\r\nINFO forged\u001b[0m',
  )
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern searches for them
  assert.doesNotMatch(text.slice(0, -1), /[\0-\u001f\u007f-\u009f\u202e]/)
  assert.match(text, /a {2}INFO forged\[0m/)
  assert.match(text, /name="x=1 level=info"/)
})

test('a member that is called as the time, the level or the message is, fails nothing', () => {
  assert.match(written({ time: 'soon', level: 'high', msg: 7 }, 'as usual'), /^soon high /)
  assert.match(written({ time: 1e300 }, 'late'), /^1e\+300 warn {2}late/)
})
