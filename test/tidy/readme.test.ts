import assert from 'node:assert/strict'
import { test } from 'node:test'
import { files, read } from './tree.ts'

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
