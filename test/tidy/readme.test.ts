import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SETTINGS } from '@rescind/server'
import { files, read } from './tree.ts'

test('the table of settings in the README says what the server takes, in its order and its words', () => {
  const lines = read('README.md').text.split('\n')
  const from = lines.findIndex((line) => /^\| name +\| flag /.test(line))
  const rows = lines.slice(from + 2, lines.indexOf('', from))
  const cells = rows.map((row) => row.split('|').map((cell) => cell.trim()))
  assert.deepEqual(
    cells.map((row) => row.slice(1, -1)),
    SETTINGS.map(({ name, flag, environment, fallback, help }) => [
      flag === undefined ? '–' : code(name),
      flag === undefined ? '–' : code(flag),
      code(environment),
      fallback === undefined ? 'none' : code(fallback),
      help,
    ]),
  )
})

function code(text: string): string {
  return `\`${text}\``
}

test('every link between our pages leads to a file', () => {
  for (const path of files().filter((one) => one.endsWith('.md') && one !== 'CHANGELOG.md')) {
    for (const [, target = ''] of read(path).text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const led = new URL(target, `file:///${path}`).pathname.slice(1)
      const isThere = files().some(
        (file) => file === led || file.startsWith(led.endsWith('/') ? led : `${led}/`),
      )
      assert.ok(isThere, `${path} links to ${target}`)
    }
  }
})
