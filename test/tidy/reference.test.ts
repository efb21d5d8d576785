import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { pages } from '../reference/pages.ts'
import { ROOT, read } from './tree.ts'

const PAGES = pages()

for (const { path, text } of PAGES)
  test(`docs/${path} is what npm run docs writes`, () => {
    const file = `docs/${path}`
    assert.ok(existsSync(`${ROOT}${file}`), 'run: npm run docs')
    assert.equal(unpadded(read(file).text), unpadded(text), 'run: npm run docs')
  })

/** The formatter pads the cells of a table. */
function unpadded(text: string): string {
  return text.replaceAll(/ +\|/g, ' |').replaceAll(/-{3,}/g, '---')
}

test('the index of the reference leads to each of these pages', () => {
  const index = read('docs/reference/README.md').text
  for (const { path } of PAGES)
    assert.ok(index.includes(`](${path.startsWith('reference/') ? path.slice(10) : `../${path}`})`), path)
})
