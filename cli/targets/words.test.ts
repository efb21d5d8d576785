import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { instantIn, secondsIn } from './instants.ts'
import { flagWord, programIn, shellWord, targetWords } from './ready-line.ts'

const NAMES = [
  'ann',
  "o'neil",
  'a b',
  '$(id)',
  '`id`',
  '-x',
  'a"b',
  'a\\b',
  'ü',
  'a\u202eb',
  'a\nb',
  "'\u0007\\",
  '*',
  '~',
  '',
]

test('a ready command line names exactly what was found, whatever its name is', () => {
  const words = NAMES.map(shellWord)
  const told = execFileSync('bash', ['-c', `printf '%s\\0' ${words.join(' ')}`], {
    encoding: 'utf8',
    env: { LC_ALL: 'C.UTF-8', PATH: process.env['PATH'] ?? '' },
  })
  assert.deepEqual(told.split('\0').slice(0, -1), NAMES)
  for (const word of words) assert.ok(!/[\p{Cc}\u202e]/u.test(word), JSON.stringify(word))
  assert.equal(flagWord('subject', '-x'), '--subject=-x')
  assert.equal(
    targetWords({ source: ['oauth', 'chat/acme'], subject: 'ann', key: 'k' }),
    '--source oauth --source chat/acme --subject ann --signing-key k',
  )
})

test('in a clone a ready line begins with npm exec', () => {
  assert.equal(programIn({ npm_command: 'exec' }), 'npm exec rescind --')
  assert.equal(programIn({ npm_command: 'exec', npm_config_package: './rescind.tgz' }), 'rescind')
  assert.equal(programIn({}), 'rescind')
})

test('an instant without an offset is of the zone of this machine, and one that is in no calendar is refused', () => {
  assert.equal(instantIn('at', '2026-12-01T08:00:00+01:00'), '2026-12-01T08:00:00+01:00')
  assert.equal(instantIn('at', '2026-12-01 08:00'), new Date(2026, 11, 1, 8).toISOString())
  for (const wrong of [
    'tomorrow',
    '2026-02-30 08:00',
    '2026-12-01',
    '2026-12-01 24:00',
    '2026-13-01 00:00',
    '',
  ])
    assert.throws(() => instantIn('at', wrong), /--at: this is no instant/, wrong)
})

test('a length of time has a unit', () => {
  assert.deepEqual(
    ['90s', '30m', '1h', '7d'].map((text) => secondsIn('for', text)),
    [90, 1_800, 3_600, 604_800],
  )
  for (const wrong of ['1', '0h', '1w', '-1h', '1.5h', ''])
    assert.throws(() => secondsIn('for', wrong), /--for: this is no length of time/, wrong)
})
