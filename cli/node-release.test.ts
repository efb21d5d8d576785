import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ENGINES, tooOld } from './node-release.ts'

// A version with known flaws that were fixed later.
test('[W92] a Node.js older than its line allows is refused, and so is a line that gets no fixes', () => {
  for (const good of ['24.21.0', '24.21.1', '24.30.0', '26.10.0', '26.10.1', '26.11.0', '27.0.0', '28.1.0'])
    assert.equal(tooOld(good), undefined, good)
  for (const bad of ['24.20.9', '24.7.0', '24.3.0', '26.9.0', '26.0.0', '25.9.0', '22.99.0', '20.20.2', 'x'])
    assert.match(tooOld(bad) ?? '', /lacks security fixes .*\^24\.21\.0 \|\| >=26\.10\.0/, bad)
  assert.equal(tooOld(process.versions.node), undefined)
})

test('[W92] every manifest demands the same Node.js, and the one that is brought along is new enough', () => {
  const read = (path: string): { engines?: { node?: string }; devDependencies?: Record<string, string> } =>
    JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
  for (const path of [
    '../package.json',
    './package.json',
    '../core/package.json',
    '../verifier/package.json',
  ])
    assert.equal(read(path).engines?.node, ENGINES, path)
  assert.equal(tooOld(read('../package.json').devDependencies?.['node'] ?? ''), undefined)
})
