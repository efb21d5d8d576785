import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Operation } from '@rescind/authority'
import { ByteWriter } from '@rescind/core/bytes'
import { CUTOFF_SHAPE_CODE } from '../../core/log/rules.ts'
import { checkExport } from '../../server/audit/export.ts'
import { DEFAULT, onAgedStores, rowWith, write } from '../kit/aged-server.ts'
import { API_KEY, JSON_BODY, memberAt, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { START_MS } from '../kit/realm.ts'
import { CHAT, ROOT } from '../kit/seed.ts'

// [H18] An instant that is accepted but cannot be shown again, and rows that make all others unreadable.

const { server, calls } = await openForFile({ time: 'hand', flags: ['--control-rate', '0'] })

/** Outside the dates of the years 1970 to 9999 once the offset is applied. */
const OUTSIDE = [
  '1970-01-01T00:00:00+01:00',
  '1970-01-01T00:00:00.000+00:01',
  '1970-01-01T23:58:59+23:59',
  '1969-12-31T23:59:59Z',
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59-00:01',
  '9999-12-31T23:59:59.999-23:59',
  '9999-12-31T00:01:00-23:59',
] as const

const RULE = { target: { source: 'oauth', subject: 'ann' }, reason: 'r' }
const HOLD = { ...RULE, seconds: 60, atDeadline: 'release' }

/** Every place where a caller gives an instant. */
const PLACES: Readonly<Record<string, (at: string) => Promise<RawAnswer>>> = {
  'a revocation': (issuedBefore) => calls.control('POST /revocations', { ...RULE, issuedBefore }),
  'a preview': (issuedBefore) => calls.control('POST /revocations', { ...RULE, issuedBefore, dryRun: true }),
  'a hold': (issuedBefore) => calls.control('POST /holds', { ...HOLD, issuedBefore }),
  "a hold's deadline": (until) => calls.control('POST /holds', { ...RULE, until, atDeadline: 'release' }),
  'a schedule': (at) => calls.control('POST /revocations/scheduled', { ...RULE, at }),
  "a schedule's rule": (issuedBefore) =>
    calls.control('POST /revocations/scheduled', { ...RULE, at: '2026-03-02T00:00:00Z', issuedBefore }),
  'a request for approval': (issuedBefore) => calls.control('POST /approvals', { ...RULE, issuedBefore }),
  'a list of receipts': (at) => calls.control(`GET /revocations?since=${encodeURIComponent(at)}`),
  'a list of receipts, its end': (at) => calls.control(`GET /revocations?until=${encodeURIComponent(at)}`),
  'the audit': (at) => calls.control(`GET /audit?since=${encodeURIComponent(at)}`),
  'the audit, its end': (at) => calls.control(`GET /audit?until=${encodeURIComponent(at)}`),
  'text that is bound': (expirationDate) =>
    calls.send(
      'PUT /admin/clients/u1/token',
      [API_KEY, JSON_BODY],
      JSON.stringify({ token: 'bound-1', expirationDate }),
    ),
}

test('[H18] an instant outside of 1970 to 9999, its offset applied, is refused in every place', async () => {
  await calls.chatClient('u1')
  const writes = server.power.writes
  for (const [place, say] of Object.entries(PLACES)) {
    for (const at of OUTSIDE) {
      const answer = await say(at)
      const told = `${place} ${at}: ${answer.status} ${answer.body.toString()}`
      assert.ok(answer.status === 422 || answer.status === 400, told)
    }
  }
  assert.equal(server.power.writes, writes, 'and nothing was written')
})

test('[H18] the first and the last valid instant are accepted, and shown again', async () => {
  const first = '1970-01-01T01:00:00+01:00'
  const made = await calls.control('POST /revocations', { ...RULE, issuedBefore: first })
  assert.equal(made.status, 201, made.body.toString())
  assert.equal(memberAt(made, 'covers', 'issuedBefore'), '1970-01-01T00:00:00.000Z')
  assert.equal((await calls.control('GET /revocations?until=9999-12-31T23:59:59.999Z')).status, 200)
  assert.equal((await calls.control('GET /audit?since=1970-01-01T00:00:00Z')).status, 200)
})

/** A cutoff over ann as an earlier version encoded it. */
function cutoffBytes(over: {
  readonly beforeMs: number
  readonly keepMs?: number
  readonly hold?: string
}): Buffer {
  const out = new ByteWriter().u8(1)
  if (over.hold === undefined) out.f64(over.keepMs ?? 9e12)
  else out.text(over.hold)
  out.u8(6).u8(CUTOFF_SHAPE_CODE['subject']).text('oauth').u8(1).text('ann').u8(0).u8(0)
  return out.u8(1).f64(over.beforeMs).bytes()
}

const HOLD_ID = 'hold_AAAAAAAAAAAAAAAAAAAAAA'
const OTHER_ID = 'hold_BBBBBBBBBBBBBBBBBBBBBA'

function heldRecord(id: string, issuedBeforeMs: number): Operation {
  const target = {
    kind: 'cut',
    shape: 'subject',
    principals: { source: 'oauth', subject: 'ann' },
    issuedBeforeMs,
  }
  const value = {
    ...{ targets: [target], reason: 'r', by: 'control:x', placedAtMs: START_MS },
    ...{ dueAtMs: START_MS + 9e8, atDeadline: 'release' },
  }
  return {
    kind: 'put-record',
    record: { collection: 'holds', id, fromVersion: 0, body: JSON.stringify(value), keys: [] },
  }
}

/** Rows and records already in stores; the first one as in H18. */
const OLD: readonly Operation[] = [
  rowWith(cutoffBytes({ beforeMs: -3_600_000 }), { kind: 'revoke' }),
  rowWith(cutoffBytes({ beforeMs: 253_402_300_859_000 }), { kind: 'revoke' }),
  rowWith(cutoffBytes({ beforeMs: -1e300 }), { kind: 'revoke' }),
  rowWith(cutoffBytes({ beforeMs: 1.5 }), { kind: 'revoke' }),
  rowWith(cutoffBytes({ beforeMs: 1, keepMs: 1e300 }), { kind: 'revoke' }),
  rowWith(cutoffBytes({ beforeMs: 1, keepMs: Number.NaN }), { kind: 'revoke' }),
  rowWith(cutoffBytes({ beforeMs: 1 }), { kind: 'revoke', audit: 'no JSON' }),
  rowWith(cutoffBytes({ beforeMs: 1 }), { kind: 'revoke', audit: '[]' }),
  rowWith(cutoffBytes({ beforeMs: 1 }), {
    kind: 'revoke',
    audit: '{"by":1,"part":[7,"x"],"cause":{"code":{}}}',
  }),
  rowWith(cutoffBytes({ beforeMs: 1 }), { kind: 'revoke', atMs: 253_402_300_900_000 }),
  rowWith(cutoffBytes({ beforeMs: -3_600_000, hold: HOLD_ID }), { kind: 'hold' }),
  rowWith(cutoffBytes({ beforeMs: -3_600_000, hold: OTHER_ID }), { kind: 'hold' }),
  heldRecord(HOLD_ID, -3_600_000),
  heldRecord(OTHER_ID, 4e15),
]

async function linesOf(answer: RawAnswer): Promise<string[]> {
  return answer.body.toString('utf8').trimEnd().split('\n')
}

onAgedStores('[H18] unreadable rows are marked in their place, and hide no others', async (open) => {
  const { calls: on } = await open({
    age: (store) => write(store, OLD),
  })
  const after = await on.control('POST /revocations', { ...RULE, reason: 'after' })
  assert.equal(after.status, 201, after.body.toString())

  const audit = await on.control('GET /audit?limit=1000')
  assert.equal(audit.status, 200, audit.body.toString())
  const rows = memberAt(audit, 'rows') as readonly {
    rule: { target?: { issuedBefore?: string } }
    audit: unknown
  }[]
  const dates = rows.flatMap(({ rule }) => rule.target?.issuedBefore ?? [])
  assert.ok(dates.includes('1969-12-31T23:00:00.000Z'))
  assert.ok(dates.includes('no instant: 253402300859000') && dates.includes('no instant: -1e+300'))
  assert.ok(rows.some((row) => JSON.stringify(row.audit).includes('unreadable')))

  const receipts = await on.control('GET /revocations?limit=500')
  assert.equal(receipts.status, 200, receipts.body.toString())
  const list = memberAt(receipts, 'revocations') as readonly { id: string; by: string }[]
  assert.equal(list.length, 11)
  assert.ok(list.some(({ by }) => by === 'unreadable'))
  for (const { id } of list) assert.equal((await on.control(`GET /revocations/${id}`)).status, 200, id)

  const exported = await linesOf(await on.control('GET /audit/export'))
  const checked = await checkExport(asLines(exported), [])
  assert.equal(checked.kind, 'right', JSON.stringify(checked))

  const events = await on.send('GET /v3/OS-REVOKE/events', [`X-Auth-Token: ${await on.identityToken(ROOT)}`])
  assert.equal(events.status, 200, events.body.toString())
})

async function* asLines(lines: readonly string[]): AsyncGenerator<string> {
  for (const line of lines) yield line
}

onAgedStores(
  '[H18] a hold with such an instant is listed, released and turned into a revocation',
  async (open) => {
    const { calls: on, url } = await open({ age: (store) => write(store, OLD) })
    const holds = await on.control('GET /holds')
    assert.equal(holds.status, 200, holds.body.toString())
    assert.equal((memberAt(holds, 'holds') as unknown[]).length, 2)
    assert.equal((await on.control(`GET /holds/${HOLD_ID}`)).status, 200)
    const verifier = { authorization: 'Bearer orders-api-key-0123456789' }
    const snapshot = await fetch(`${url}/control/v1/feed/snapshot`, { headers: verifier })
    assert.equal(snapshot.status, 200, 'holds are written again in snapshots')
    await snapshot.arrayBuffer()
    const released = await on.control(`POST /holds/${HOLD_ID}/release`, { reason: 'r' })
    assert.equal(released.status, 200, released.body.toString())
    const revoked = await on.control(`POST /holds/${OTHER_ID}/revoke`, { reason: 'r' })
    assert.equal(revoked.status, 200, revoked.body.toString())
    const id = textAt(revoked, 'revocation')
    const receipt = await on.control(`GET /revocations/${id}`)
    assert.equal(receipt.status, 200, receipt.body.toString())
    assert.equal(memberAt(receipt, 'covers', 'issuedBefore'), '9999-12-31T23:59:59.999Z')
    assert.equal((await on.control('GET /audit?limit=1000')).status, 200)
  },
)

onAgedStores('[H18] a chat server that resumes its stream before such rows reads past them', async (open) => {
  const bytes = new ByteWriter().u8(1).f64(9e12).u8(6).u8(CUTOFF_SHAPE_CODE['client'])
  bytes.text('chat/acme').u8(0).u8(1).text('u1').u8(0).u8(1).f64(-3_600_000)
  const { calls: on, url } = await open({
    age: (store) => write(store, [rowWith(bytes.bytes(), { kind: 'revoke' })], DEFAULT),
  })
  await on.chatClient('u2')
  const token = await on.chatToken('u2')
  assert.equal((await on.chatRevoke('u2', token)).status, 200)
  const [, epochId = ''] = /^id: ([^.]+)\./m.exec(await streamed(url, undefined, 'event: ready')) ?? []
  assert.match(await streamed(url, `${epochId}.1`, 'event: revoked\n'), /1969-12-31T23:00:00\.000Z/)
})

/** Reads a chat stream until it contains `until`. */
async function streamed(url: string, lastEventId: string | undefined, until: string): Promise<string> {
  const cutoff = new AbortController()
  const last = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
  const headers = { 'IM-API-KEY': CHAT.apiKey, ...last }
  const answer = await fetch(`${url}/admin/revocations`, { headers, signal: cutoff.signal })
  let text = ''
  for await (const chunk of answer.body ?? []) {
    text += Buffer.from(chunk).toString('utf8')
    if (text.includes(until)) break
  }
  cutoff.abort()
  return text
}
