import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { FIND_COMMANDS } from '../commands/find/commands.ts'
import { Interrupted } from '../frame/failure.ts'
import { Io } from '../frame/io.ts'
import { readCall } from '../frame/parse.ts'
import { secretText } from './token-input.ts'

function opened(): { readonly input: PassThrough; readonly stopping: AbortController; readonly io: Io } {
  const [spec] = FIND_COMMANDS
  assert.ok(spec !== undefined)
  const input = new PassThrough()
  const stopping = new AbortController()
  const out = { write: () => true }
  const parts = { input, output: out, errors: out, environment: {}, commands: FIND_COMMANDS }
  return { input, stopping, io: new Io({ ...parts, interrupted: stopping.signal }, readCall(spec, [])) }
}

test('Ctrl-C ends the reading of standard input that goes on', async () => {
  const { input, stopping, io } = opened()
  const reading = secretText(io, 'The token')
  input.write('part of a token')
  stopping.abort()
  await assert.rejects(reading, Interrupted)
})

test('text that is longer than any token is refused, with the command for lists; at the limit it is read', async () => {
  const fits = opened()
  fits.input.end(`${'a'.repeat(65_535)}\n`)
  assert.equal((await secretText(fits.io, 'The token')).length, 65_535)
  const long = opened()
  long.input.end('a'.repeat(65_537))
  await assert.rejects(secretText(long.io, 'The token'), /longer than 65536 characters/)
})

test('nothing at all is wrong use', async () => {
  const { input, io } = opened()
  input.end(' \n')
  await assert.rejects(secretText(io, 'The token'), /The token is empty/)
})
