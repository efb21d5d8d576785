import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { Call } from './call.ts'
import { Io } from './io.ts'
import { askYesNo } from './prompts.ts'
import { COMMON_FLAGS } from './shared-flags.ts'

test('on a terminal that says it has no columns, a question stands in one line', {
  timeout: 10_000,
}, async () => {
  const [input, errors] = [new PassThrough(), Object.assign(new PassThrough(), { columns: 0, isTTY: true })]
  const io = new Io(
    {
      ...{ input, errors, output: errors, environment: {}, commands: [] },
      interrupted: new AbortController().signal,
    },
    new Call({
      ...{ name: 'end user', positionals: [], settings: [] },
      values: new Map(COMMON_FLAGS.map(({ name }) => [name, []])),
    }),
  )
  let shown = ''
  const asked = askYesNo(io, 'Revoke everything of ann?')
  for await (const chunk of errors) {
    shown += String(chunk)
    if (shown.includes('No')) break
  }
  input.write('y')
  assert.equal(await asked, true)
  assert.match(shown, /Revoke everything of ann\?/)
})
