import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { ROOT, read } from './tree.ts'

const PAGE = read('docs/limits.md').text
/** The cells of each row of each table, without heads and rules. */
const ROWS: readonly (readonly string[])[] = PAGE.split('\n')
  .filter(
    (line) => line.startsWith('| ') && !line.startsWith('| what is bounded') && !line.startsWith('| ---'),
  )
  .map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )

test('[S3] each limit says by whom, how much, the answer and the test, and there is such a test', () => {
  assert.ok(ROWS.length > 70)
  let last: readonly string[] = []
  for (const row of ROWS) {
    assert.equal(row.length, 5, row.join(' | '))
    for (const cell of row) assert.notEqual(cell, '', row.join(' | '))
    const cell = row[4] ?? ''
    const files = [...cell.matchAll(/`(?<file>[^`]+\.test\.ts)`/g)].map(
      ({ groups }) => groups?.['file'] ?? '',
    )
    if (files.length === 0) assert.ok(cell === 'the same' && last.length > 0, row.join(' | '))
    else last = files
    for (const file of files) assert.ok(existsSync(`${ROOT}${file}`), file)
  }
})
