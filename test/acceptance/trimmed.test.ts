import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { checkExport } from '@rescind/server'
import { CONTROL, memberAt, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { SVC } from '../kit/seed.ts'

const DAY_MS = 86_400_000
const VERIFIER = 'Authorization: Bearer orders-api-key-0123456789'
const OLD_REVOCATIONS = 120
const EXPORT = 'GET /control/v1/audit/export'

const { server, calls } = await openForFile({ time: 'hand', flags: ['--control-rate', '0'] })
let oldId = ''
let oldPosition = ''
let anchor = 0

/** A server whose log was trimmed: it no longer holds revocations from 401 days ago, but holds today's. */
before(async () => {
  for (let nth = 0; nth < OLD_REVOCATIONS; nth += 1) await calls.oauthRevoke(SVC, await calls.oauthToken(SVC))
  oldId = await revoke()
  oldPosition = (await exported()).position
  assert.equal((await calls.control(`GET /revocations/${oldId}`)).status, 200)
  server.clock.advance(401 * DAY_MS)
  for (let nth = 0; nth < 5; nth += 1) await revoke()
  await server.maintenance.tick()
  anchor = (await exported()).after
})

async function revoke(): Promise<string> {
  const body = { target: { token: await calls.oauthToken(SVC) }, reason: 'test' }
  const answer = await calls.control('POST /revocations', body)
  assert.equal(answer.status, 201, answer.body.toString())
  return textAt(answer, 'id')
}

async function exported(query = ''): Promise<{ after: number; text: string; position: string }> {
  const text = (await calls.send(`${EXPORT}${query}`, [CONTROL])).body.toString()
  const lines = text.trimEnd().split('\n')
  const first = JSON.parse(lines[0] ?? '') as { after: number }
  const last = JSON.parse(lines.at(-1) ?? '') as { position: string }
  return { after: first.after, text, position: last.position }
}

async function* linesOf(text: string): AsyncGenerator<string, void> {
  yield* text.trimEnd().split('\n')
}

test('old rows are gone, and an export begins where the log now does, says so, and verifies', async () => {
  assert.ok(anchor >= OLD_REVOCATIONS)
  for (const query of ['', '?after=1', `?after=${anchor}`]) {
    const { after: from, text } = await exported(query)
    assert.equal(from, anchor)
    const checked = await checkExport(linesOf(text), [])
    assert.equal(checked.kind, 'right')
    assert.equal(checked.kind === 'right' && checked.rows, text.trimEnd().split('\n').length - 2)
  }
  assert.equal((await exported(`?after=${anchor + 1}`)).after, anchor + 1)
  assert.equal((await calls.send(`${EXPORT}?after=999999`, [CONTROL])).status, 422)
})

test('the audit is read in pages to the beginning of the log, in both orders', async () => {
  for (const order of ['newest', 'oldest']) {
    for (const limit of [1, 3, 1_000]) {
      const seqs: number[] = []
      let cursor = ''
      do {
        const query = `order=${order}&limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`
        const page = await calls.control(`GET /audit?${query}`)
        seqs.push(...(memberAt(page, 'rows') as { seq: number }[]).map(({ seq }) => seq))
        cursor = (memberAt(page, 'next') as string | undefined) ?? ''
      } while (cursor !== '')
      const sorted = seqs.toSorted((left, right) => left - right)
      assert.deepEqual(seqs, order === 'oldest' ? sorted : sorted.toReversed())
      assert.deepEqual(
        sorted,
        sorted.map((_, at) => anchor + 1 + at),
      )
    }
  }
})

test('the receipt of a trimmed row is 404 like that of an unknown one; others are found', async () => {
  const seq = Number(oldId.split('_')[2])
  assert.ok(seq <= anchor)
  const ids = [oldId, `rev_1_${anchor}`, 'rev_1_1', 'rev_1_999999']
  for (const id of ids) assert.equal((await calls.control(`GET /revocations/${id}`)).status, 404, id)
  const page = await calls.control('GET /revocations?limit=100')
  assert.equal((memberAt(page, 'revocations') as unknown[]).length, 5)
  assert.equal(memberAt(page, 'next'), undefined)
  const last = await revoke()
  assert.equal((await calls.control(`GET /revocations/${last}`)).status, 200)
})

test('a position before the trim is neither a fork nor forged: its holder starts anew', async () => {
  const ask = [VERIFIER, 'Accept: application/json']
  const answer = await calls.send(`GET /control/v1/feed?after=${oldPosition}`, ask)
  assert.deepEqual([answer.status, memberAt(answer, 'reset')], [200, true], answer.body.toString())
  const snapshot = await calls.send('GET /control/v1/feed/snapshot', [VERIFIER])
  assert.equal(snapshot.status, 200)
  const token = await calls.oauthToken(SVC)
  assert.equal(await calls.isActive(SVC, token), true, 'nothing was suspended')
  const now = await calls.send(`GET /control/v1/feed?after=${(await exported()).position}`, ask)
  assert.deepEqual([now.status, memberAt(now, 'events')], [200, []])
})

test('the export of a realm still lists the contents of every collection', async () => {
  const before = await calls.control('GET /realms/default/export')
  assert.match(before.body.toString(), /"collection":"oauth/)
})
