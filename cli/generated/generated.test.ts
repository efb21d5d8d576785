import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { flagsOf } from '../frame/shared-flags.ts'
import { COMMANDS } from '../table.ts'
import { bashScript } from './bash.ts'
import { described } from './described.ts'
import { fishScript } from './fish.ts'
import { commandPage, overviewPage } from './man.ts'
import { zshScript } from './zsh.ts'

const SETTINGS = [{ name: 'listen', value: 'VALUE', help: "where; it's a socket" }] as const
const ALL = described(COMMANDS, SETTINGS)

/** What bash would offer after these words; the last one is being written. */
function offered(...words: readonly string[]): readonly string[] {
  const script = `${bashScript(ALL)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rescind; printf '%s\\n' "\${COMPREPLY[@]}"`
  const told = execFileSync('bash', ['-c', script, 'bash', 'rescind', ...words], { encoding: 'utf8' })
  return told.trim().split('\n')
}

test('bash completes commands, their words, flags, and values', () => {
  assert.deepEqual(offered('aud'), ['audit'])
  assert.deepEqual(offered('epoch', ''), ['new'])
  assert.deepEqual(offered('--json', 'completion', 'z'), ['zsh'])
  assert.deepEqual(offered('audit', 'verify', '--pos'), ['--position'])
  assert.deepEqual(offered('serve', '--li'), ['--listen'])
  assert.deepEqual(offered('version', '-o', ''), ['text', 'json'])
  assert.deepEqual(offered('get', 'cli'), ['clients', 'client-grants'])
  assert.deepEqual(offered('delete', 'tok'), [''], 'tokens are not deleted')
  assert.deepEqual(offered('serve', '--listen', ''), [''])
})

test('the scripts of all shells know every command and flag, and quote what they say', () => {
  for (const script of [bashScript(ALL), zshScript(ALL), fishScript(ALL)])
    for (const spec of COMMANDS) {
      for (const word of spec.name.split(' ')) assert.ok(script.includes(word), word)
      for (const { name } of flagsOf(spec)) assert.ok(script.includes(name), name)
    }
  assert.ok(fishScript(ALL).includes(String.raw`'where; it\'s a socket'`))
  assert.ok(zshScript(ALL).includes(String.raw`it'\''s a socket`))
})

test('man pages are plain ASCII, and no line of text is taken for a request', () => {
  for (const page of [overviewPage(ALL, '0.1.0'), ...ALL.map((one) => commandPage(one, '0.1.0'))]) {
    assert.match(page, /^\.TH RESCIND\S* 1 "" "rescind 0\.1\.0" "Rescind"\n/)
    assert.doesNotMatch(page, /[^\x20-\x7e\n]/)
    for (const line of page.split('\n').filter((one) => one.startsWith('.')))
      assert.match(line, /^\.(?:TH|SH|TP|B|BR)(?: |$)/, line)
  }
})
