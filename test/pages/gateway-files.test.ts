import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { tableUnder } from '../kit/page-table.ts'
import { GATEWAYS } from '../system/gateways.ts'
import { ROOT } from './folder.ts'

/** Which files of docs/gateways a row of the page links to, and what it says of the test that runs them. */
const rows = tableUnder('gateways.md', 'Configurations').rows.map(
  ([gateway = '', files = '', runBy = '']) => ({
    gateway,
    files: [...files.matchAll(/\(gateways\/([^)]+)\)/g)].map(([, name = '']) => name),
    runBy,
  }),
)

test('the page of the gateways lists every configuration there is', () => {
  assert.deepEqual(rows.flatMap(({ files }) => files).sort(), readdirSync(join(ROOT, 'docs/gateways')).sort())
})

test('a configuration that the page says is run by the system tests is what they run, and no other one', () => {
  const said = rows.filter(({ runBy }) => runBy.includes('npm run test:system'))
  assert.deepEqual(said.flatMap(({ files }) => files).sort(), GATEWAYS.flatMap(({ files }) => files).sort())
})

test('a gateway of which the page says that its requests are replayed has requests in that transcript', () => {
  const transcript = readFileSync(join(ROOT, 'test/acceptance/transcripts/check/gateways.http'), 'utf8')
  const named = new Set([...transcript.matchAll(/^### (\w+):/gm)].map(([, name]) => name))
  for (const { gateway, runBy } of rows.filter((row) => !row.runBy.includes('npm run test:system'))) {
    assert.ok(runBy.includes('check/gateways.http'), `${gateway}: run by "${runBy}"`)
    assert.ok(named.has(gateway.split(' ')[0]), `${gateway} is not in the transcript`)
  }
})
