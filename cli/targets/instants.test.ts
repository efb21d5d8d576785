import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Responder } from '../../test/kit/cli/responder.ts'
import { Call } from '../frame/call.ts'
import { WrongUse } from '../frame/failure.ts'
import { pastIn } from './instants.ts'

const NOW_MS = Date.parse('2026-11-30T12:00:00Z')

let responder: Responder
before(async () => {
  responder = await Responder.open()
})
after(() => responder.close())

function read(text: string): string | undefined {
  const call = new Call({
    name: 'receipts',
    positionals: [],
    settings: [],
    values: new Map([['since', [text]]]),
  })
  return pastIn(call, 'since', NOW_MS)
}

test('a time of a filter is an instant, or how long ago it was', () => {
  assert.equal(read('90s'), '2026-11-30T11:58:30.000Z')
  assert.equal(read('2d'), '2026-11-28T12:00:00.000Z')
  assert.equal(read('2026-11-30T08:00:00+02:00'), '2026-11-30T08:00:00+02:00')
  for (const text of ['1 hour', '0m', 'yesterday', '2026-13-01T00:00:00Z', '999999999d', '-1h', ''])
    assert.throws(() => read(text), WrongUse, text)
})

test('all commands that take --since take both, and refuse others before anything is sent', async () => {
  const revoked = await responder.run([
    'revoke',
    ...['--source', 'oauth', '--client', 'svc', '--reason', 'r', '--yes', '--json'],
  ])
  const { id } = JSON.parse(revoked.stdout) as { readonly id: string }
  for (const [words, found] of [
    [['receipts', '--since', '1h', '--json'], /rev_1_/],
    [['receipts', '--until', '1h'], /No such receipts/],
    [['exposure', id, '--since', '1h', '--json'], /"/],
    [['evidence', '--since', '1h', '--out', 'e.ndjson'], /1 receipt/],
  ] as const) {
    const { code, stdout, stderr } = await responder.run(words)
    assert.equal(code, 0, `${words.join(' ')}: ${stderr}`)
    assert.match(stdout, found)
  }
  for (const words of [
    ['receipts'],
    ['receipts', '--until', '1h'],
    ['exposure', id],
    ['evidence', '--out', 'f.ndjson'],
    ['watch'],
  ]) {
    const { code, stderr } = await responder.run([
      ...words,
      ...['--since', 'yesterday', '--url', 'http://127.0.0.1:1'],
    ])
    assert.equal(code, 2, words.join(' '))
    assert.match(stderr, /--since: this is no instant/)
  }
})
