import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { CASES, type Cell, OURS } from '../../bench/figures.ts'
import { prepareTokens } from '../../bench/prepared-tokens.ts'
import { fillStore, startRescind, THIS_TREE } from '../../bench/rescind.ts'
import { runSlices } from '../../bench/rows.ts'
import { seedText } from '../../bench/seed.ts'
import { stopTarget, type Target } from '../../bench/target.ts'

/**
 * The rows of `npm run bench`, too short to measure anything. Each request must get the answer that its row expects.
 */

let folder: string
let target: Target
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rescind-bench-rows-'))
  const seed = join(folder, 'seed.json')
  writeFileSync(seed, seedText(), { mode: 0o600 })
  fillStore(THIS_TREE, { folder, live: 10, revoked: 0 })
  target = await startRescind({ folder, seed })
})
after(async () => {
  await stopTarget(target)
  rmSync(folder, { recursive: true, force: true })
})

test('every row of the benchmark is answered as it expects', async () => {
  const prepared = await prepareTokens(target.port, 4)
  const cells: Cell[] = []
  await runSlices({ target, prepared, connections: 2, count: 20 }, cells)
  assert.deepEqual(new Set(cells.map(({ what }) => what)), new Set(CASES))
  for (const { target: name, samples } of cells) {
    assert.equal(name, OURS)
    assert.ok(samples.length === 1 && samples.every(({ perSecond }) => perSecond > 0))
  }
})
