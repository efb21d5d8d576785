import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { SettingsRefused } from '@rescind/core'
import type { Call } from './call.ts'
import type { CommandSpec, Run } from './command.ts'
import { confirmed } from './confirm.ts'
import { CommandFailed } from './failure.ts'
import type { Environment, Io } from './io.ts'
import { paint, table } from './lines.ts'
import { runWords } from './run.ts'
import { timeText } from './times.ts'

type Given = {
  readonly run: Run
  readonly words?: readonly string[]
  readonly isTTY?: boolean
  readonly environment?: Environment
}

/** Runs a command of one flag through the frame. */
async function ran({
  run,
  words = [],
  isTTY = false,
  environment = {},
}: Given): Promise<readonly [number, string, string]> {
  const spec: CommandSpec = {
    ...{ name: 'try', group: 'Look', summary: 'Try it', changes: 'asks', examples: [] },
    load: () => Promise.resolve({ run }),
  }
  let [stdout, stderr] = ['', '']
  const code = await runWords(['try', ...words], {
    input: Readable.from([]),
    output: { write: (text) => (stdout += text), isTTY },
    errors: { write: (text) => (stderr += text), isTTY },
    environment,
    commands: [spec],
    interrupted: new AbortController().signal,
  })
  return [code, stdout, stderr]
}

const failing =
  (error: Error): Run =>
  async () => {
    throw error
  }

test('a failure is one line of what happened and what to do, or JSON; a bug shows no stack', async () => {
  const failed = new CommandFailed('it is gone', { next: 'look elsewhere', status: 404 })
  assert.deepEqual(await ran({ run: failing(failed) }), [1, '', 'rescind: it is gone: look elsewhere\n'])
  for (const words of [['--json'], ['-o', 'json'], ['--output=json']]) {
    const [code, , stderr] = await ran({ run: failing(failed), words })
    assert.deepEqual(
      [code, JSON.parse(stderr)],
      [1, { error: { message: 'it is gone', next: 'look elsewhere', status: 404 } }],
    )
  }
  assert.deepEqual(await ran({ run: failing(new SettingsRefused('store: no')) }), [
    2,
    '',
    'rescind: store: no\n',
  ])
  const bug = new TypeError('the text tok_secret is no number')
  const [code, , stderr] = await ran({ run: failing(bug) })
  assert.equal(code, 1)
  assert.match(stderr, /^rescind: a bug of this program \(TypeError\): [^\n]*RESCIND_DEBUG=1[^\n]*\n$/)
  assert.ok(!stderr.includes('tok_secret'))
  const [, , told] = await ran({ run: failing(bug), environment: { RESCIND_DEBUG: '1' } })
  assert.match(told, /\n +at /)
})

test('what a server says cannot control the terminal', async () => {
  const evil = 'a\u001b[2Jb\u0007\u202ec\td'
  const run: Run = async (_, io) => {
    io.result(evil, () => [evil, ...table([evil], [[paint('red', evil)]])])
    io.note(evil)
    throw new CommandFailed(evil)
  }
  for (const isTTY of [false, true]) {
    const [, stdout, stderr] = await ran({ run, isTTY })
    const controls = (stdout + stderr).replaceAll(/\u001b\[\d+m/g, '').match(/[^\n\P{Cc}]|\u202e/gu)
    assert.equal(controls, null)
    assert.ok(stdout.includes('a\\u{1b}[2Jb\\u{7}\\u{202e}c\\u{9}d'))
  }
})

test('colours are for terminals, unless NO_COLOR, FORCE_COLOR or --no-color says otherwise', async () => {
  const run: Run = async (_, io) => {
    io.result('', () => [paint('red', 'x')])
    return undefined
  }
  const isColoured = async (given: Partial<Given>): Promise<boolean> =>
    (await ran({ run, ...given }))[1].includes('\u001b')
  assert.equal(await isColoured({}), false)
  assert.equal(await isColoured({ isTTY: true }), true)
  assert.equal(await isColoured({ isTTY: true, environment: { NO_COLOR: '1' } }), false)
  assert.equal(await isColoured({ environment: { FORCE_COLOR: '1' } }), true)
  assert.equal(await isColoured({ isTTY: true, words: ['--no-color'] }), false)
  assert.equal(await isColoured({ isTTY: true, words: ['--json'] }), false)
})

test('a change is asked for: --yes answers, --dry-run only shows, and without a terminal it is refused', async () => {
  const run: Run = async (call: Call, io: Io) => {
    const plan = { lines: ['3 tokens'], json: { tokens: 3 }, question: 'End them?' }
    if (await confirmed(call, io, plan)) io.result({ done: true }, () => ['done'])
    return undefined
  }
  assert.deepEqual(await ran({ run, words: ['--yes'] }), [0, 'done\n', ''])
  assert.deepEqual(await ran({ run, words: ['--dry-run', '--yes'] }), [
    0,
    '3 tokens\nNothing was changed (--dry-run).\n',
    '',
  ])
  const [, json] = await ran({ run, words: ['--dry-run', '--json'] })
  assert.deepEqual(JSON.parse(json), { dryRun: true, tokens: 3 })
  const [code, stdout, stderr] = await ran({ run })
  assert.deepEqual([code, stdout], [2, ''])
  assert.match(stderr, /^rescind: nothing was changed.*: give --yes, or --dry-run/)
})

test('notes are neither in JSON nor under --quiet', async () => {
  const run: Run = async (_, io) => {
    io.note('by the way')
    io.trace('GET /x 200 3 ms')
    return undefined
  }
  assert.equal((await ran({ run }))[2], 'by the way\n')
  assert.equal((await ran({ run, words: ['-v', '--quiet'] }))[2], 'GET /x 200 3 ms\n')
  assert.equal((await ran({ run, words: ['--json'] }))[2], '')
})

test('times are local with their zone, and UTC', () => {
  assert.match(
    timeText('2026-11-30T18:22:05.123Z'),
    /^2026-1[12]-\d\d \d\d:\d\d:05 \S+ \((?:2026-11-30 )?18:22:05Z\)$/,
  )
  assert.equal(timeText('soon'), 'soon')
})

test('JSON holds no character that could control a terminal, and is the same value', async () => {
  const value = { name: 'a\u001b[2J\u009b2J\u202e\u007f', line: 'b\nc' }
  for (const isStream of [true, false]) {
    const run: Run = async (_, io) => {
      if (isStream) io.item(value, () => [])
      else io.result(value, () => [])
      return 0
    }
    const [, stdout] = await ran({ run, words: ['--json'] })
    assert.doesNotMatch(stdout.replaceAll('\n', ''), /[\p{Cc}\p{Bidi_Control}]/u)
    assert.deepEqual(JSON.parse(stdout), value)
  }
})

test('a full disk is told as such, also where the file is open already', async () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  assert.deepEqual(await ran({ run: failing(full) }), [
    2,
    '',
    'rescind: a file could not be written: the disk is full\n',
  ])
  const [, , stderr] = await ran({ run: failing(full), words: ['--json=true'] })
  assert.match(stderr, /^\{"error":/)
})

/** Runs a line in a table of two commands of one group. */
async function grouped(...words: readonly string[]): Promise<readonly [number, string, string]> {
  const command = (name: string): CommandSpec => ({
    ...{ name, group: 'Look', summary: `Do ${name}`, examples: [] },
    load: async () => ({
      run: async (_, io) => {
        io.result('', () => [name])
        return 0
      },
    }),
  })
  let [stdout, stderr] = ['', '']
  const code = await runWords(words, {
    input: Readable.from([]),
    output: { write: (text) => (stdout += text), isTTY: false },
    errors: { write: (text) => (stderr += text), isTTY: false },
    environment: {},
    commands: [command('end one'), command('end two')],
    interrupted: new AbortController().signal,
  })
  return [code, stdout, stderr]
}

test('a group without a command is a wrong use, and the line names its commands', async () => {
  const [code, stdout, stderr] = await grouped('end')
  assert.deepEqual([code, stdout], [2, ''])
  assert.match(stderr, /^rescind: the command is: rescind end one or [^\n]*\n$/)
  const [, , json] = await grouped('end', '--json')
  assert.match(json, /^\{"error":.*\}\n$/)
  assert.match((await grouped('end', 'three'))[2], /^rescind: unknown command "three": the command is:/)
})

test('the words of a command may stand in one pair of quotes', async () => {
  assert.deepEqual(await grouped('end two'), [0, 'end two\n', ''])
  assert.equal((await grouped('end three'))[0], 2)
})
