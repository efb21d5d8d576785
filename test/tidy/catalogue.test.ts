import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CATALOGUE } from './catalogue.ts'
import { files, read } from './tree.ts'

/** What may name a test: the sentence behind `test(`, or a title that is kept in a table of cases. */
const TAG = /\[(CAT-)?([A-S]\d\d)\]/g
/** Other lists have ids like those of this group; these are in both. */
const SHARED = new Set(['H10', 'H11', 'H12', 'H13'])
/** Every group of the catalogue, and how many flaws are in it. */
const COUNTS = {
  A: 15,
  B: 18,
  C: 17,
  D: 13,
  E: 14,
  F: 20,
  G: 12,
  H: 13,
  J: 13,
  K: 8,
  M: 13,
  N: 17,
  P: 14,
  Q: 10,
  S: 5,
}

/** Files of tests that hold each id. */
function holders(): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>()
  const isTest = /\.test\.ts$|^stores\/contract\/|^test\/(?:acceptance|system|interop)\//
  for (const path of files().filter(
    (one) => one.endsWith('.ts') && isTest.test(one) && !one.includes('/tidy/cat'),
  )) {
    for (const [, marked, id = ''] of read(path).text.matchAll(TAG)) {
      if (marked === undefined && SHARED.has(id)) continue
      found.set(id, (found.get(id) ?? new Set()).add(path))
    }
  }
  return found
}

test('the catalogue has each of its 202 flaws once, in order', () => {
  const due = Object.entries(COUNTS).flatMap(([group, count]) =>
    Array.from({ length: count }, (_, at) => `${group}${String(at + 1).padStart(2, '0')}`),
  )
  assert.deepEqual(
    CATALOGUE.map(([id]) => id),
    due,
  )
  assert.equal(due.length, 202)
})

test('every flaw of the catalogue is held by a test that names it, or the list says why none does', (t) => {
  const held = holders()
  for (const [id, what, without] of CATALOGUE) {
    const by = [...(held.get(id) ?? [])]
    if (without === undefined) assert.ok(by.length > 0, `no test holds ${id}: ${what}`)
    t.diagnostic(`${id}  ${by.length > 0 ? by.sort().join(' ') : without}`)
  }
  const known = new Set(CATALOGUE.map(([id]) => id))
  const groups = new Set(Object.keys(COUNTS).filter((group) => group !== 'H'))
  for (const id of held.keys())
    assert.ok(known.has(id) || !groups.has(id.charAt(0)), `[${id}] is in no catalogue`)
})
