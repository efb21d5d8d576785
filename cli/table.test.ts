import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FlagSpec } from './frame/entry.ts'
import { findCommand, readCall } from './frame/parse.ts'
import { settingsAsFlags } from './frame/setting-flags.ts'
import { flagsOf } from './frame/shared-flags.ts'
import { COMMANDS } from './table.ts'

const SETTINGS: readonly FlagSpec[] = settingsAsFlags()

test('each command has a name and flags of its own, a sentence, and examples that its own parser takes', () => {
  assert.equal(new Set(COMMANDS.map(({ name }) => name)).size, COMMANDS.length)
  for (const spec of COMMANDS) {
    const { name, summary, examples, takesSettings } = spec
    const flags = flagsOf(spec)
    const words = flags.flatMap((flag) => [
      flag.name,
      ...(flag.short === undefined ? [] : [`-${flag.short}`]),
    ])
    assert.equal(new Set(words).size, words.length, `${name}: a flag twice: ${words.join(' ')}`)
    assert.match(summary, /^[A-Z].*[^.]$/, name)
    assert.ok(examples.length > 0, name)
    for (const { command } of examples) {
      const own = wordsOf(command)
      const found = findCommand(own, COMMANDS)
      assert.equal(found?.spec, spec, command)
      readCall(spec, found?.rest ?? [], takesSettings === true ? SETTINGS : [])
    }
  }
})

/** The words behind `rescind`, up to what the shell does with them. */
function wordsOf(command: string): readonly string[] {
  const [, own = ''] = /\brescind ([^|<>)]*)/.exec(command) ?? []
  return [...own.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, one, two, three]) => one ?? two ?? three ?? '',
  )
}

test('each command that changes something can be tried first', () => {
  for (const spec of COMMANDS.filter(({ changes }) => changes !== undefined))
    assert.ok(
      flagsOf(spec).some(({ name }) => name === 'dry-run'),
      spec.name,
    )
})
