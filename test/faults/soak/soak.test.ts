import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SoakSize, soak } from './soak.ts'

const ROUNDS = 32
const TOKENS = 300
/** Rounds of thirty days, after which rows older than the audit retention are trimmed. */
const FULL_ROUNDS = 16
/** Cutoffs for the longest life of a token, and the epoch. */
const KEPT_MAX = 60
/** The size of an index of which every partition was used once. */
const INDEX_MAX_BYTES = 524_288

test('[G10] issue, use, revoke, expire: memory, disk and the log reach a plateau', async (t) => {
  const sizes: SoakSize[] = []
  await soak({ rounds: ROUNDS, tokens: TOKENS, onRound: (size) => sizes.push(size) })
  const [middle, last] = [sizes[ROUNDS / 2 - 1], sizes.at(-1)]
  assert.ok(middle !== undefined && last !== undefined)
  t.diagnostic(JSON.stringify(last))
  for (const size of sizes) {
    assert.deepEqual([size.tokens, size.consumptions, size.entries], [0, 0, 0])
    assert.equal(size.ended, 0, 'a rule goes with the last token that it could hit')
  }
  assert.equal(last.cutoffs, middle.cutoffs, 'a cutoff goes when nothing that it covers can be alive')
  assert.ok(middle.cutoffs <= 15)
  assert.ok(last.indexBytes <= INDEX_MAX_BYTES, 'empty partitions are as small as they get')
  const full = sizes[FULL_ROUNDS]
  assert.ok(full !== undefined)
  t.diagnostic(`the file: ${full.fileBytes} bytes, later ${last.fileBytes}`)
  assert.ok(last.logRows <= full.logRows * 1.05, 'rows go as they come')
  assert.ok(last.keptRows <= KEPT_MAX, 'and leave next to nothing behind')
  assert.ok(last.fileBytes <= full.fileBytes * 1.1, 'what they took is used again')
})
