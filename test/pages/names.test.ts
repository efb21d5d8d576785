import assert from 'node:assert/strict'
import { test } from 'node:test'
import { read } from '../tidy/tree.ts'
import { pages } from './pages.ts'

const { scripts } = JSON.parse(read('package.json').text) as { scripts: Readonly<Record<string, string>> }
/** What was true of an older version may name what is gone. */
const OLDER = /^(?:CHANGELOG\.md|bench\/results\/)/

test('every npm script that a page names exists', () => {
  for (const { path } of pages().filter((page) => !OLDER.test(page.path)))
    for (const [, name = ''] of read(path).text.matchAll(/npm run (?:-s |--silent )?([a-z][\w:-]*)/g))
      assert.ok(Object.hasOwn(scripts, name), `${path}: npm run ${name}`)
})
