import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { test } from 'node:test'
import { files, read } from './tree.ts'

/** What a file loads: its imports, but for those of types alone. */
const LOADS = /^(?:import|export) (?!type\b)(?:[^'"]*? from )?'([^']+)'/gm

function loaded(path: string): readonly string[] {
  return [...read(path).text.matchAll(LOADS)].map(([, from = '']) => from)
}

test('the threads of the embedded store start without loading the authority: it took a third of their start', () => {
  const waiting = files().filter((path) => /^stores\/sqlite\/[a-z]+-thread\.ts$/.test(path))
  assert.equal(waiting.length, 2)
  const reached = new Set<string>()
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue
    reached.add(path)
    const from = loaded(path)
    assert.ok(!from.includes('@rescind/authority'), path)
    waiting.push(
      ...from.filter((one) => one.startsWith('.')).map((one) => posix.join(posix.dirname(path), one)),
    )
  }
  assert.ok(reached.size > 10)
})
