import assert from 'node:assert/strict'
import { test } from 'node:test'
import { telling } from './migrate.ts'

function told(isTTY: boolean, times: readonly number[]): string {
  let said = ''
  const left = [...times]
  const stream = {
    isTTY,
    write: (text: string | Uint8Array): boolean => {
      said += String(text)
      return true
    },
  }
  const tell = telling(stream, () => left.shift() ?? 0)
  for (const rows of [1, 2, 3]) tell({ what: 'copied', rows, of: 3 })
  return said
}

test('the progress of a move is one line that changes on a terminal, and a line a second elsewhere', () => {
  const times = [0, 50, 1_200, 1_200, 1_300, 1_300]
  assert.equal(told(true, times), '\rrescind: 2 of 3 rows copied\rrescind: 3 of 3 rows copied\n')
  assert.equal(told(false, times), 'rescind: 2 of 3 rows copied\nrescind: 3 of 3 rows copied\n')
})
