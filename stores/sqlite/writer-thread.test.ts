import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { realmOrdinal } from '@rescind/core'
import { encodeRule, type Rule } from '@rescind/core/log'
import { encodeGroup } from './group-bytes.ts'
import { Thread } from './thread.ts'
import type { Committed, WriterAsk } from './thread-messages.ts'
import { TokenIndex } from './token-index.ts'

test('a commit’s answer holds only its own bytes, not the buffer that they are a view of', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-writer-'))
  const writer = new Thread<WriterAsk>('writer-thread')
  try {
    await writer.ask({ kind: 'open', path: join(folder, 'rescind.db'), floorMs: 1, sideLog: undefined })
    const rule: Rule = { kind: 'release', id: 'nothing' }
    const row = { atMs: 1, rule, bytes: encodeRule(rule, 'k'.repeat(43)), audit: '{}' }
    const write = {
      realm: realmOrdinal(1),
      dependsOn: [],
      expects: [],
      operations: [{ kind: 'append', row } as const],
    }
    const group = encodeGroup({ floorMs: 1, writes: [write] }, new TokenIndex())
    const done = await writer.ask<Committed>({ kind: 'commit', group, checkpoint: false }, [group.buffer])
    const [head] = done.heads
    assert.equal(head?.seq, 1)
    assert.deepEqual([head.chain.byteLength, head.chain.buffer.byteLength], [32, 32])
    assert.deepEqual([done.outcomes.buffer.byteLength, done.rows.buffer.byteLength], [8, 0])
    await writer.ask({ kind: 'close', inOrder: true })
  } finally {
    await writer.end()
    rmSync(folder, { recursive: true })
  }
})
