import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CommandSpec } from './command.ts'
import type { FlagSpec } from './entry.ts'
import { WrongUse } from './failure.ts'
import { findCommand, readCall } from './parse.ts'

const SPEC: CommandSpec = {
  name: 'end token',
  group: 'End a leak',
  summary: 'End it',
  positionals: [
    { name: 'HANDLE', help: 'a handle' },
    { name: 'KIND', help: 'a kind', isOptional: true, choices: ['one', 'all'] },
  ],
  flags: [
    { name: 'reason', short: 'r', value: 'TEXT', help: 'why' },
    { name: 'label', value: 'TEXT', help: 'a label', isRepeated: true },
    { name: 'order', value: 'ORDER', choices: ['up', 'down'], help: 'the order' },
    { name: 'hard', help: 'a switch' },
  ],
  changes: 'asks',
  examples: [],
  load: () => Promise.reject(new Error('not loaded')),
}
const SETTINGS: readonly FlagSpec[] = [
  { name: 'listen', value: 'VALUE', help: '' },
  { name: 'ready-strict', help: '', takesWord: true },
]
const refusal = (words: readonly string[]): string => {
  try {
    readCall(SPEC, words, SETTINGS)
  } catch (error) {
    if (error instanceof WrongUse) return error.line
    throw error
  }
  return assert.fail(`${words.join(' ')} was read`)
}

test('[W47] every flag takes its value behind = and as the next word', () => {
  for (const words of [['--reason=a b'], ['--reason', 'a b'], ['-r', 'a b']]) {
    const call = readCall(SPEC, ['tok_1', ...words])
    assert.deepEqual([call.positionals, call.text('reason')], [['tok_1'], 'a b'])
  }
  assert.deepEqual(readCall(SPEC, ['x', '--label=a', '--label', 'b']).texts('label'), ['a', 'b'])
  assert.equal(readCall(SPEC, ['x', '--reason=-5']).text('reason'), '-5')
  assert.equal(readCall(SPEC, ['x', '--reason', '-']).text('reason'), '-')
  assert.deepEqual(
    [readCall(SPEC, ['x', '--hard']).isOn('hard'), readCall(SPEC, ['x', '--hard=false']).isOn('hard')],
    [true, false],
  )
})

test('words behind -- are no flags', () => {
  assert.deepEqual(readCall(SPEC, ['--', '--reason']).positionals, ['--reason'])
})

test("the server's settings pass as one word each, and a switch of theirs takes a word", () => {
  const call = readCall(SPEC, ['--listen', '127.0.0.1:0', 'x', '--ready-strict', 'false', '--hard'], SETTINGS)
  assert.deepEqual(call.settings, ['--listen=127.0.0.1:0', '--ready-strict=false'])
  assert.deepEqual(call.positionals, ['x'])
  assert.deepEqual(readCall(SPEC, ['--ready-strict', 'x'], SETTINGS).settings, ['--ready-strict=true'])
})

test('what cannot be meant is refused in one line that says what can', () => {
  assert.match(refusal(['x', '--raeson', 'y']), /^unknown argument "--raeson"; did you mean --reason\?/)
  assert.match(refusal(['x', '--zzzzzzzz']), /^unknown argument "--zzzzzzzz" \(see: rescind --help\)$/)
  assert.match(refusal(['x', '--reason']), /^--reason needs a value$/)
  assert.match(refusal(['x', '--reason', '--yes']), /^--reason needs a value: .* --reason=--yes$/)
  assert.match(refusal(['x', '--reason=a', '-r', 'b']), /given twice/)
  assert.match(refusal(['x', '--listen', 'a', '--listen=b']), /^--listen is given twice$/)
  assert.match(refusal(['x', '--hard=yes']), /^--hard is a switch: true or false$/)
  assert.match(refusal(['x', '--order', 'sideways']), /^--order: "sideways" is none of up, down$/)
  assert.match(
    refusal([]),
    /^HANDLE is missing: the command is: rescind end token HANDLE \[KIND\] \[FLAGS\]$/,
  )
  assert.match(refusal(['x', 'one', 'more']), /^unknown argument "more": the command is: /)
  assert.match(refusal(['x', 'al']), /^KIND: unknown word "al": did you mean all\?$/)
})

test('a secret is never taken from the command line', () => {
  for (const flag of ['--key', '--control-key', '--password', '--secret']) {
    assert.match(
      refusal(['x', flag, 'NOT-A-SECRET']),
      new RegExp(`^${flag} is no flag: .*(?:histories|environment)`),
    )
    assert.doesNotMatch(refusal(['x', `${flag}=NOT-A-SECRET`]), /NOT-A-SECRET/)
  }
})

test('the command of the most words is found, with common flags before it', () => {
  const one: CommandSpec = { ...SPEC, name: 'end' }
  assert.deepEqual(findCommand(['end', 'token', 'x'], [one, SPEC]), { spec: SPEC, rest: ['x'] })
  assert.deepEqual(findCommand(['end', 'x'], [one, SPEC]), { spec: one, rest: ['x'] })
  assert.deepEqual(findCommand(['--json', 'end', 'x'], [one, SPEC])?.rest, ['--json', 'x'])
  assert.equal(findCommand(['ends'], [one, SPEC]), undefined)
})

test('asking for a flag that a command does not have is a bug', () => {
  assert.throws(() => readCall(SPEC, ['x']).text('nope'), TypeError)
})
