import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SETTINGS } from '@rescind/server'
import { files, read } from './tree.ts'

test('the README lists every setting, with its flag, its variable and its default', () => {
  const lines = read('README.md').text.split('\n')
  for (const { flag, environment, fallback } of SETTINGS) {
    const line = lines.find((one) => one.startsWith('|') && one.includes(`\`${environment}\``))
    assert.ok(line !== undefined, `${environment} is not in the README`)
    for (const word of [flag, fallback]) {
      assert.ok(
        word === undefined || line.includes(`\`${word}\``),
        `${environment}: ${word} is not in its line`,
      )
    }
  }
})

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
