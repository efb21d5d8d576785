import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SoakSize, soak } from './soak.ts'

const ROUNDS = 32
const TOKENS = 300
/** What an index costs whose every partition was in use once. */
const INDEX_MAX_BYTES = 524_288

test('issue, use, revoke, expire: what is kept reaches a plateau, and disk grows by the log alone', async (t) => {
  const sizes: SoakSize[] = []
  await soak({ rounds: ROUNDS, tokens: TOKENS, onRound: (size) => sizes.push(size) })
  const [middle, last] = [sizes[ROUNDS / 2 - 1], sizes.at(-1)]
  assert.ok(middle !== undefined && last !== undefined)
  t.diagnostic(JSON.stringify(last))
  for (const size of sizes) {
    assert.deepEqual([size.tokens, size.consumptions, size.memos], [0, 0, 0])
    assert.equal(size.ended, 0, 'a rule goes with the last token that it could hit')
  }
  assert.equal(last.cuts, middle.cuts, 'a cut-off goes when nothing that it covers can be alive')
  assert.ok(middle.cuts <= 15)
  assert.ok(last.indexBytes <= INDEX_MAX_BYTES, 'empty partitions are as small as they get')
  const grown = last.fileBytes - middle.fileBytes
  const logged = last.logBytes - middle.logBytes
  t.diagnostic(`the file grew by ${grown} bytes, the log by ${logged}`)
  assert.ok(grown <= logged * 1.6 + 262_144)
})
