import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textLines } from './text-lines.ts'

test('lines end at line feeds alone, wherever the chunks are cut', async () => {
  const lines = ['{"subject":"a\u2028b\u2029c"}', '', 'grüß', 'no line feed']
  const bytes = Buffer.from(lines.join('\n'), 'utf8')
  for (let size = 1; size <= bytes.length; size += 1) {
    const found: string[] = []
    for await (const line of textLines(chunks(bytes, size))) found.push(line)
    assert.deepEqual(found, lines)
  }
})

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
