import assert from 'node:assert/strict'
import { test } from 'node:test'
import { files, read } from './tree.ts'

const FILES = files()
const PAGES = FILES.filter((path) => path.endsWith('.md'))
/** Text and target of a link outside fenced blocks. */
const LINK = /\]\(([^)\s]+)\)/g

test('every link between our pages leads to a file, and to a heading that it has', () => {
  const broken = PAGES.flatMap((path) => linksOf(path).flatMap((link) => faultOf(path, link)))
  assert.deepEqual(broken, [])
})

test('a link to a file or a heading that is missing is found', () => {
  assert.deepEqual(faultOf('README.md', 'docs/README.md#pages-by-task'), [])
  assert.deepEqual(faultOf('docs/README.md', '../README.md'), [])
  assert.equal(faultOf('README.md', 'docs/none.md').length, 1)
  assert.equal(faultOf('README.md', 'docs/README.md#no-such-heading').length, 1)
})

function linksOf(path: string): readonly string[] {
  return [...withoutFences(read(path).text).matchAll(LINK)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
}

function faultOf(path: string, link: string): readonly string[] {
  const { pathname, hash } = new URL(link, `file:///${path}`)
  const led = decodeURIComponent(pathname).slice(1)
  if (!FILES.some((file) => file === led || file.startsWith(led.endsWith('/') ? led : `${led}/`)))
    return [`${path} links to ${link}: no such file`]
  if (hash === '' || !led.endsWith('.md') || anchorsOf(read(led).text).has(hash.slice(1))) return []
  return [`${path} links to ${link}: no such heading`]
}

/** As GitHub makes them: lower case, without punctuation, hyphens for spaces, numbered when they repeat. */
function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of withoutFences(text).matchAll(/^#{1,6} +(.+)$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = plain.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')
    let unique = anchor
    for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`
    anchors.add(unique)
  }
  return anchors
}

function withoutFences(text: string): string {
  return text.replaceAll(/^( *)(`{3,})[^\n]*\n[\s\S]*?^\1\2$/gm, '')
}
