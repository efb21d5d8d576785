import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { checkLogFile } from '@rescind/server'
import { textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'

const DAY_MS = 86_400_000
const TRIMMED = 120

type Json = Readonly<Record<string, unknown>>

const { server, calls } = await openForFile({
  time: 'hand',
  flags: ['--control-rate', '0', '--audit-retention', '1'],
})
/** One whose row was trimmed, one whose audit text has expired, one that is whole. */
const ids: string[] = []

before(async () => {
  ids.push(await revoke())
  for (let nth = 0; nth < TRIMMED; nth += 1) await revoke()
  server.clock.advance(8 * DAY_MS)
  // Its audit text goes in two days, its row in a week.
  ids.push(await revoke())
  server.clock.advance(2 * DAY_MS)
  ids.push(await revoke())
  await server.maintenance.tick()
})

async function revoke(): Promise<string> {
  const body = { target: { source: 'oauth', subject: 'ann' }, reason: 'test' }
  const answer = await calls.control('POST /revocations', body)
  assert.equal(answer.status, 201, answer.body.toString())
  return textAt(answer, 'id')
}

async function made(body: Json): Promise<string> {
  const answer = await calls.control('POST /evidence', body)
  assert.equal(answer.status, 200, answer.body.toString())
  return answer.body.toString()
}

async function check(text: string): Promise<Awaited<ReturnType<typeof checkLogFile>>> {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text)
  }
  return checkLogFile(bytes(), { positions: [] })
}

test('evidence says which receipts can no longer be read and why, and makes none of them up', async () => {
  const [trimmed, expired, whole] = ids
  const text = await made({ receipts: ids })
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Json)
  assert.deepEqual(
    lines.filter((line) => 'why' in line),
    [
      { gone: trimmed, why: 'trimmed' },
      { gone: expired, why: 'audit-expired' },
    ],
  )
  const receipts = lines.flatMap((line) => ('receipt' in line ? [(line['receipt'] as Json)['id']] : []))
  assert.deepEqual(receipts, [whole])
  const [header] = lines
  assert.ok(Number(header?.['trimmedThrough']) >= TRIMMED)
  assert.equal(header?.['after'], Number(lines.find((line) => 'seq' in line)?.['seq']) - 1)
  const rows = lines.filter((line) => 'seq' in line)
  assert.deepEqual(
    rows.map((row) => [row['kind'], 'who' in row]),
    [
      ['revoke', false],
      ['revoke', true],
    ],
  )
  const checked = await check(text)
  assert.ok(checked.kind === 'evidence', JSON.stringify(checked))
  assert.deepEqual([checked.receipts, checked.rows, checked.gone], [1, 2, 2])
})

test('evidence of nothing but what is gone has no rows, and verifies', async () => {
  const checked = await check(await made({ receipts: ids.slice(0, 1) }))
  assert.ok(checked.kind === 'evidence')
  assert.deepEqual([checked.receipts, checked.rows, checked.others, checked.gone], [0, 0, 0, 1])
  assert.ok(checked.from > checked.through)
})
