import assert from 'node:assert/strict'
import { test } from 'node:test'
import { files, read } from './tree.ts'

const FILES = files()
const README_LINES_MAX = 150
const TASK_LINES_MAX = 200

test('the README is short, and shows how to run and test what it is about', () => {
  const { text } = read('README.md')
  assert.ok(linesOf(text) <= README_LINES_MAX, `${linesOf(text)} lines`)
  for (const command of ['npm ci && npm start', 'npm ci && npm test'])
    assert.ok(text.split('\n').includes(command), command)
})

test('a page about running the server is read in one go', () => {
  for (const path of FILES.filter((one) => /^docs\/run\/.*\.md$/.test(one)))
    assert.ok(linesOf(read(path).text) <= TASK_LINES_MAX, `${path} has ${linesOf(read(path).text)} lines`)
})

test('every page of docs/ is found from the index, or one click further', () => {
  const near = linked('docs/README.md')
  const found = new Set([...near, ...near.flatMap((path) => (path.endsWith('.md') ? linked(path) : []))])
  const hidden = FILES.filter((path) => /^docs\/.*\.md$/.test(path) && path !== 'docs/README.md').filter(
    (path) => !found.has(path) && ![...found].some((one) => one.endsWith('/') && path.startsWith(one)),
  )
  assert.deepEqual(hidden, [])
})

test('the maps in README.md and ARCHITECTURE.md have every room of the tree, and no other', () => {
  const rooms = foldersIn('').filter((one) => !one.startsWith('.'))
  const picture = /## The rooms\n\n```[^\n]*\n(.*?)```/s.exec(read('README.md').text)?.[1] ?? ''
  assert.deepEqual([...picture.matchAll(/(?:^| {2,})([a-z]+)\/ {2,}/gm)].map(nameOf).sort(), rooms)
  const [whole = '', inside = ''] = read('ARCHITECTURE.md').text.split('Inside `server/`')
  assert.deepEqual(firstCells(whole), rooms)
  assert.deepEqual(firstCells(inside), foldersIn('server/'))
})

/** The folders directly below a folder. */
function foldersIn(folder: string): readonly string[] {
  const inside = FILES.filter((path) => path.startsWith(folder)).map((path) => path.slice(folder.length))
  return [
    ...new Set(inside.filter((path) => path.includes('/')).map((path) => path.split('/')[0] ?? '')),
  ].sort()
}

/** The folders that the first column of a table names, each by its first part. */
function firstCells(page: string): readonly string[] {
  const cells = [...page.matchAll(/^\| (`[^|]*\/[^|]*) \|/gm)].map(nameOf)
  const names = cells.flatMap((cell) => [...cell.matchAll(/`([a-z]+)\//g)].map(nameOf))
  return [...new Set(names)].sort()
}

function nameOf([, name = '']: RegExpExecArray): string {
  return name
}

function linesOf(text: string): number {
  return text.trimEnd().split('\n').length
}

/** Paths of files, and of folders with a slash at the end. */
function linked(page: string): readonly string[] {
  return [...read(page).text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => new URL(target, `file:///${page}`).pathname.slice(1))
}
