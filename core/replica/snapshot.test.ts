import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DIGEST_KEY, factsAt, NOW_MS, revoking, tokenTarget } from '../../test/kit/samples.ts'
import { dump, History, rules } from '../../test/laws/history.ts'
import { ByteWriter } from '../bytes/bytes.ts'
import { sha256 } from '../crypto/digests.ts'
import { ContractBroken } from '../faults.ts'
import { KEEP_FOREVER_MS } from '../lifetimes.ts'
import { judge } from '../verdict/verdict.ts'
import { decodeSnapshot, SnapshotWriter } from './snapshot.ts'

test('a snapshot decodes to the index that it was made from', () => {
  fc.assert(
    fc.property(rules(true), (drawn) => {
      const history = new History(drawn)
      const { index, checkpoint, position } = history.snapshot(history.seq)
      assert.deepEqual(dump(index), dump(history.index(history.seq)))
      assert.deepEqual([checkpoint, position], [history.checkpoints.at(-1), history.position(history.seq)])
    }),
    { numRuns: 200 },
  )
})

test('[D12] a snapshot that is cut short anywhere, or has one wrong byte anywhere, is refused', () => {
  const history = new History([
    revoking(tokenTarget(1)),
    revoking({ kind: 'cut', shape: 'source', principals: { source: 'oauth' } }),
    { kind: 'hold', id: 'h', target: tokenTarget(2) },
  ])
  const bytes = history.bytes(4)
  assert.notEqual(decodeSnapshot(bytes, DIGEST_KEY), undefined)
  for (let at = 0; at < bytes.length; at += 1) {
    assert.equal(decodeSnapshot(bytes.subarray(0, at), DIGEST_KEY), undefined)
    const forged = Buffer.from(bytes)
    forged[at] = (forged[at] as number) ^ 1
    assert.equal(decodeSnapshot(forged, DIGEST_KEY), undefined)
  }
  assert.equal(decodeSnapshot(Buffer.concat([bytes, Buffer.alloc(1)]), DIGEST_KEY), undefined)
})

test('undamaged bytes that hold something unknown to this version are refused, not read in part', () => {
  const history = new History([])
  const bytes = history.bytes(1)
  const resealed = (change: (body: Buffer) => Buffer): Buffer => {
    const body = change(Buffer.from(bytes.subarray(0, -32)))
    return Buffer.concat([body, sha256(body)])
  }
  const versioned = resealed((body) => {
    body[8] = 2
    return body
  })
  assert.equal(decodeSnapshot(versioned, DIGEST_KEY), undefined)
  const longer = resealed((body) => Buffer.concat([body, Buffer.alloc(3)]))
  assert.throws(() => decodeSnapshot(longer, DIGEST_KEY), ContractBroken)
  const nothing = new ByteWriter().fixed(Buffer.from('rescindS')).u8(1).text('1.e.1').bytes()
  assert.throws(() => decodeSnapshot(Buffer.concat([nothing, sha256(nothing)]), DIGEST_KEY), ContractBroken)
})

test('revocations for good survive a snapshot, and the others expire from it', () => {
  const history = new History([
    revoking(tokenTarget(1), KEEP_FOREVER_MS),
    revoking(tokenTarget(2), NOW_MS + 1),
    revoking(tokenTarget(3), NOW_MS + 1),
  ])
  const { index } = history.snapshot(4)
  index.raiseFloor(NOW_MS + 10 * 365 * 86_400_000)
  for (let slice = 0; slice < 64; slice += 1) index.dropExpired(slice)
  assert.equal(index.ended.size, 2)
  const verdict = judge({ facts: factsAt(1, { expiresAtMs: 9e15 }), index, nowMs: NOW_MS, lag: 'fresh' })
  assert.deepEqual(verdict, { kind: 'inactive', why: 'revoked' })
})

test('rows folded while a snapshot is written can safely be folded into it again', () => {
  const many = Array.from({ length: 50_000 }, (_, nth) => revoking(tokenTarget(nth)))
  const history = new History(many)
  const index = history.index(history.seq)
  const writer = new SnapshotWriter(index, history.position(history.seq))
  const late = [
    revoking(tokenTarget(60_000)),
    revoking({ kind: 'cut', shape: 'source', principals: { source: 'oauth' } }),
    { kind: 'hold', id: 'h', target: tokenTarget(60_001) },
    { kind: 'release', id: 'h' },
  ] as const
  let steps = 0
  while (writer.step()) {
    const next = late[steps]
    if (next !== undefined) {
      history.add(next)
      const row = history.rows.at(-1)
      if (row !== undefined) index.fold(row)
    }
    steps += 1
  }
  assert.ok(steps >= late.length, `${steps} steps`)
  const read = decodeSnapshot(writer.bytes(), DIGEST_KEY)
  assert.equal(read?.index.seq, many.length + 1)
  for (const row of history.rows.slice(many.length + 1)) read?.index.fold(row)
  assert.deepEqual(dump(read?.index ?? index), dump(index))
})

test('a snapshot writes its cutoffs in steps, and leaves out none that was there when it began', () => {
  const ofSubject = (nth: number): ReturnType<typeof revoking> =>
    revoking({ kind: 'cut', shape: 'subject', principals: { source: 'oauth', subject: `s${nth}` } })
  const many = Array.from({ length: 20_000 }, (_, nth) => ofSubject(nth))
  const history = new History(many)
  const index = history.index(history.seq)
  const writer = new SnapshotWriter(index, history.position(history.seq))
  let steps = 0
  for (; writer.step(); steps += 1) {
    for (let nth = 0; nth < 500 && steps < 20; nth += 1) {
      history.add(ofSubject(20_000 + steps * 500 + nth))
      const row = history.rows.at(-1)
      if (row !== undefined) index.fold(row)
    }
  }
  assert.ok(steps >= 10, `${steps} steps`)
  const read = decodeSnapshot(writer.bytes(), DIGEST_KEY)
  assert.ok((read?.index.cutoffs.get('subject')?.size ?? 0) >= many.length)
  for (const row of history.rows.slice(many.length + 1)) read?.index.fold(row)
  assert.deepEqual(dump(read?.index ?? index), dump(index))
})
