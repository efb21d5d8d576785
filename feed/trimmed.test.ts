import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commitOwn, LogTrim, TRIM_AGE_MIN_MS } from '@rescind/authority'
import type { Rule } from '@rescind/core/log'
import { TestSink } from '../test/kit/feed-sink.ts'
import { openWorld } from '../test/kit/realm.ts'
import { Feed } from './feed.ts'

const AUDIT = { by: 'test', from: 'local', how: 'test' }
const ROWS = 12

/** A reader that returns near the row where the log was trimmed has missed nothing, or is told so by a reset. */
test('[F12] a reader that returns at, before or after the row where the log was trimmed gets all rows or a reset', async () => {
  const { realms, realm, clock } = await openWorld()
  const feed = await Feed.open({ realms, clock, alarm: () => {} })
  const own = feed.of(realm)
  const texts: string[] = [await own.headText()]
  const start = realm.index.seq
  for (let nth = 0; nth < ROWS; nth += 1) {
    const target = { kind: 'key', keyId: `k${nth}` } as const
    const rule: Rule = { kind: 'revoke', target, keepUntilMs: nth % 2 === 0 ? 1 : 9e15 }
    await commitOwn(realm, [{ kind: 'append', row: realm.row(rule, AUDIT) }])
    texts.push(await own.headText())
  }
  const through = start + ROWS / 2
  const forget = { kind: 'forget-audit', fromSeq: 1, throughSeq: through } as const
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations: [forget] })
  clock.advance(TRIM_AGE_MIN_MS + 1)
  realms.ledger.raiseFloor(clock.wallMs())
  await realms.ledger.settleFloor()
  const trim = new LogTrim({ realm, auditRetentionMs: 0, rowsMin: 1 })
  while (await trim.step());
  const { seq: anchor } = await realm.store.anchor(realm.ordinal)
  assert.equal(anchor, through)
  const seen = new Map<number, string>()
  for (const [nth, after] of texts.entries()) {
    const at = start + nth
    const facts = {
      source: 'verifier',
      client: 'v',
      ancestors: [],
      position: realm.position(),
      expiresAtMs: 9e15,
    }
    const caller = { id: 'verifier:v', from: 'here', dependency: { realm: realm.ordinal, facts } }
    const none = { boundMs: undefined, instance: undefined, label: undefined }
    const connected = await own.connect({ id: 'v', caller, ...none, after, onStale: 'refuse', format: 'sse' })
    assert.equal(connected.kind, 'open')
    if (connected.kind !== 'open') continue
    const sink = new TestSink()
    connected.attach(sink)
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    const isReset = sink.events.includes('reset')
    seen.set(at, isReset ? 'reset' : 'rows')
    const rest = Array.from({ length: realm.index.seq - at }, (_, next) => at + 1 + next)
    assert.deepEqual(sink.seqs, isReset ? [] : rest, `from ${at}`)
  }
  assert.equal(seen.get(anchor - 1), 'reset')
  // Whether the reader has the right history cannot be told any more: its row is gone.
  assert.equal(seen.get(anchor), 'reset')
  assert.equal(seen.get(anchor + 1), 'rows')
  feed.close()
})
