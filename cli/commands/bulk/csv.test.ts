import assert from 'node:assert/strict'
import { test } from 'node:test'
import { csvRow } from './csv.ts'

test('cells with commas, quotes and line breaks are quoted (RFC 4180 §2)', () => {
  assert.equal(
    csvRow(['1', 'a,b', 'say "x"', 'two\nlines', 'grüß']),
    '1,"a,b","say ""x""","two\nlines",grüß\r\n',
  )
})

test('a cell that a spreadsheet would run as a formula is text', () => {
  for (const begin of ['=', '+', '-', '@', '\t', '\r'])
    assert.equal(csvRow([`${begin}cmd|'/c calc'!A0`]), `"'${begin}cmd|'/c calc'!A0"\r\n`)
  assert.equal(csvRow(['=A1&"x"']), '"\'=A1&""x"""\r\n')
})
