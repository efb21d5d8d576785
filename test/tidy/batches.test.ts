import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ON_EVERY_STORE } from '../batches/batch.ts'
import { files, read } from './tree.ts'

const CALL = /^runBatch\(\{ folder: '([^']+)'(?:, except: '([^']+)')?(?:, nth: (\d+), of: (\d+))? \}\)$/m
/** Files that `npm run test:system` runs, by `npm run test:long`: `npm test` does not. */
const LONG = /^test\/(?:system|tarballs)\//
/** The acceptance tests once more, on other stores than memory. */
const OTHER_STORES: ReadonlySet<string> = new Set([
  'test/batches/acceptance-postgres.test.ts',
  'test/batches/acceptance-sqlite.test.ts',
])
/** Files that `npm test` runs each in a process of its own. */
const ALONE = /^(?:cli|test\/(?:batches|faults|interop|museum|pages|tidy|workshop))\//

test('`npm test` runs every test file but the long ones once: in a process of its own, or in one batch of its folder', () => {
  const parts = new Map<string, Set<number>>()
  const wanted = new Map<string, number>()
  const excepted = new Set<string>()
  for (const path of files().filter((one) => /^test\/batches\/.*\.test\.ts$/.test(one))) {
    if (OTHER_STORES.has(path)) continue
    const [, folder = '', except, nth = '0', of = '1'] =
      CALL.exec(read(path).text) ?? assert.fail(`${path} runs no batch`)
    if (except !== undefined) excepted.add(except)
    const known = parts.get(folder) ?? new Set()
    assert.ok(!known.has(Number(nth)), `${path}: batch ${nth} of ${folder} is run twice`)
    assert.equal(
      wanted.get(folder) ?? Number(of),
      Number(of),
      `${path}: the batches of ${folder} are as many as they say`,
    )
    parts.set(folder, known.add(Number(nth)))
    wanted.set(folder, Number(of))
  }
  for (const [folder, of] of wanted)
    assert.deepEqual(
      [...(parts.get(folder) ?? [])].sort(),
      Array.from({ length: of }, (_, nth) => nth),
      folder,
    )
  for (const folder of excepted) {
    const call = `runBatch({ folder: '${folder}' })`
    const isLong = read('test/system/stores-postgres.test.ts').text.includes(call)
    assert.ok(wanted.has(folder) || isLong, `${folder} has no batch of its own`)
  }
  const { scripts } = JSON.parse(read('package.json').text) as { scripts: { test: string } }
  assert.ok(
    scripts.test.endsWith(
      ' "cli/**/*.test.ts" "test/{batches,faults,interop,museum,pages,tidy,workshop}/**/*.test.ts"',
    ),
  )
  for (const path of files().filter((one) => one.endsWith('.test.ts') && !ALONE.test(one) && !LONG.test(one)))
    assert.ok(
      [...wanted.keys()].some((folder) => path.startsWith(`${folder}/`)),
      `${path} is run by nothing`,
    )
})

test('`npm run test:system` runs every test file that `npm test` leaves out', () => {
  const { scripts } = JSON.parse(read('package.json').text) as { scripts: Readonly<Record<string, string>> }
  assert.ok(scripts['test:long']?.endsWith(' "test/{system,tarballs}/**/*.test.ts"'))
  assert.match(read('test/system/main.ts').text, /runSuite\('test:long'\)/)
})

test('`npm test` runs the acceptance tests on every store, and `npm run test:long` the others', () => {
  for (const path of OTHER_STORES) {
    const [, store = ''] = /acceptance-(\w+)\.test/.exec(path) ?? []
    assert.match(read(path).text, new RegExp(`^runAcceptanceOn\\('${store}', 'these'\\)$`, 'm'))
    const long = read(path.replace('test/batches', 'test/system')).text
    assert.match(long, new RegExp(`^runAcceptanceOn\\('${store}', 'others'\\)$`, 'm'))
  }
  const known = new Set(files())
  for (const path of ON_EVERY_STORE) assert.ok(known.has(path), path)
})
