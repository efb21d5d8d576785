import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type Checked, checkExport } from '@rescind/server'
import { memberAt, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { SVC } from '../kit/seed.ts'

const AUDIT = '/control/v1/audit'

const { server, calls } = await openForFile({ time: 'hand', flags: ['--control-rate', '0'] })

before(async () => {
  for (let nth = 0; nth < 30; nth += 1) await calls.oauthRevoke(SVC, await calls.oauthToken(SVC))
  server.clock.advance(60_000)
  await calls.control('POST /issuers', { issuer: 'urn:idp', jwksUrl: 'https://idp.example/keys' })
  await calls.json(`PATCH ${await issuer()}`, { enabled: false, reason: 'breach' })
})

async function issuer(): Promise<string> {
  const [one] = memberAt(await calls.control('GET /issuers'), 'issuers') as { id: string }[]
  return `/control/v1/issuers/${one?.id ?? ''}`
}

type Row = {
  readonly seq: number
  readonly at: string
  readonly kind: string
  readonly rule: Readonly<Record<string, unknown>>
  readonly audit: Readonly<Record<string, unknown>>
}

async function rows(query: string): Promise<Row[]> {
  const all: Row[] = []
  let cursor = ''
  do {
    const answer = await calls.json(`GET ${AUDIT}?${query}${cursor === '' ? '' : `&cursor=${cursor}`}`)
    assert.equal(answer.status, 200, answer.body.toString())
    all.push(...(memberAt(answer, 'rows') as Row[]))
    cursor = (memberAt(answer, 'next') as string | undefined) ?? ''
  } while (cursor !== '')
  return all
}

test('the log lists who did what, from where, how and why, newest first', async () => {
  const [cutoff, change] = await rows('limit=2')
  assert.deepEqual(cutoff?.rule['target'], { kind: 'principals', shape: 'source', source: 'iss:urn:idp' })
  assert.deepEqual(cutoff?.audit, {
    by: 'control:first',
    byName: 'first',
    from: '127.0.0.1',
    how: 'control.changeIssuer',
    why: 'breach',
  })
  assert.deepEqual(
    [change?.kind, change?.rule['collection'], change?.rule['version']],
    ['change', 'issuers', 2],
  )
  assert.equal(cutoff?.at, '2026-03-01T12:01:00.000Z')
})

test('pages of any size, in both orders, give every row once', async () => {
  const oldest = (await rows('order=oldest&limit=1000')).map(({ seq }) => seq)
  assert.deepEqual(
    oldest,
    oldest.map((_, at) => at + 1),
  )
  for (const limit of [1, 7, oldest.length]) {
    assert.deepEqual(
      (await rows(`order=oldest&limit=${limit}`)).map(({ seq }) => seq),
      oldest,
    )
    assert.deepEqual(
      (await rows(`limit=${limit}`)).map(({ seq }) => seq),
      oldest.toReversed(),
    )
  }
})

test('filters choose by kind, caller, call, address, reason, collection and time', async () => {
  const count = async (query: string): Promise<number> => (await rows(`limit=9&${query}`)).length
  const revokes = await rows('kind=revoke&limit=5')
  assert.equal(revokes.length, 31)
  assert.ok(revokes.every(({ kind }) => kind === 'revoke'))
  assert.equal(await count('how=oauth.revoke'), 30)
  assert.equal(await count('by=oauth:svc'), 30)
  assert.equal(await count('why=breach'), 2)
  assert.equal(await count('collection=issuers'), 2)
  assert.equal(await count('kind=change&collection=issuers&by=control:first'), 2)
  assert.equal(await count('from=10.0.0.1'), 0)
  assert.equal(await count('since=2026-03-01T12:01:00Z'), 4)
  assert.equal(await count('since=2026-03-01T12:00:00Z&until=2026-03-01T12:01:00Z&kind=revoke'), 30)
  assert.equal((await calls.json(`GET ${AUDIT}?since=yesterday`)).status, 422)
  const cursor = textAt(await calls.json(`GET ${AUDIT}?limit=1`), 'next')
  assert.equal((await calls.json(`GET ${AUDIT}?limit=1&kind=revoke&cursor=${cursor}`)).status, 400)
})

async function exported(query = ''): Promise<string[]> {
  const answer = await calls.json(`GET ${AUDIT}/export${query}`)
  assert.equal(answer.status, 200)
  return answer.body.toString().trimEnd().split('\n')
}

async function check(lines: readonly string[], position?: string): Promise<Checked> {
  async function* each(): AsyncGenerator<string> {
    yield* lines
  }
  const [, , seq, chain] = position?.split('.') ?? []
  return checkExport(each(), position === undefined ? [] : [{ seq: Number(seq), chain: chain ?? '' }])
}

test('an export can be verified by itself, from the start or from any row', async () => {
  const lines = await exported()
  const checked = await check(lines)
  assert.ok(checked.kind === 'right', JSON.stringify(checked))
  assert.equal(checked.rows, lines.length - 2)
  const part = await check(await exported('?after=10'))
  assert.ok(part.kind === 'right')
  assert.deepEqual([part.rows, part.seq, part.chain], [checked.rows - 10, checked.seq, checked.chain])
  assert.equal((await calls.json(`GET ${AUDIT}/export?after=99999`)).status, 422)
  const none = await check(await exported(`?after=${checked.seq}`))
  assert.ok(none.kind === 'right' && none.rows === 0)
})

test('a removed, doubled, swapped, added or altered line is found at its place', async () => {
  const lines = await exported()
  const at = 20
  const line = lines[at] ?? ''
  const wrongs: readonly (readonly string[])[] = [
    lines.toSpliced(at, 1),
    lines.toSpliced(at, 0, line),
    lines.toSpliced(at, 2, lines[at + 1] ?? '', line),
    ...[
      line.replace('"how":"oauth.revoke"', '"how":"nothing much"'),
      line.replaceAll('oauth:svc', 'oauth:sva'),
      line.replace(/"at":"2026/, '"at":"2025'),
      line.replace(/"ruleBytes":"A/, '"ruleBytes":"B'),
      line.replace(/"chain":"./, '"chain":"!'),
      line.replace('{"seq"', '{"more":1,"seq"'),
      line.replace('"audit":', '"note":'),
    ].map((altered) => lines.with(at, altered)),
  ]
  for (const [nth, wrong] of wrongs.entries()) {
    const checked = await check(wrong)
    assert.ok(checked.kind === 'wrong', `${nth}: ${JSON.stringify(checked)}`)
    assert.equal(checked.fault.seq, at, String(nth))
  }
  assert.equal((await check(lines.slice(0, -1))).kind, 'unreadable')
  assert.equal((await check([...lines, line])).kind, 'unreadable')
  assert.equal((await check(lines.toSpliced(-2, 1))).kind, 'wrong')
  assert.equal((await check(lines.slice(1))).kind, 'unreadable')
})

test('an earlier known position exposes an export whose end was cut off and signed again', async () => {
  const lines = await exported()
  const position = textAt(await calls.control('POST /verify', { token: 'x' }), 'position')
  assert.equal((await check(lines, position)).kind, 'right')
  const before = JSON.parse(lines.at(-3) ?? '') as { seq: number; chain: string }
  const end = JSON.stringify({ end: before.seq, chain: before.chain, position: '' })
  const cutoff = [...lines.slice(0, -2), end]
  assert.equal((await check(cutoff)).kind, 'right', 'by itself it looks right')
  assert.equal((await check(cutoff, position)).kind, 'wrong')
})

test('acts on the whole store have their own log, for keys of all realms', async () => {
  const made = await calls.control('POST /keys', { name: 'one realm', role: 'admin', realm: 'default' })
  const own = `Authorization: Bearer ${textAt(made, 'key')}`
  const [last] = memberAt(await calls.json(`GET ${AUDIT}/system?limit=1`), 'rows') as Row[]
  assert.deepEqual([last?.rule['collection'], last?.audit['how']], ['controlKeys', 'control.createKey'])
  for (const path of ['/system', '/system/export'])
    assert.equal((await calls.send(`GET ${AUDIT}${path}`, [own])).status, 403)
  assert.equal((await calls.send(`GET ${AUDIT}`, [own])).status, 200)
  const text = (await calls.json(`GET ${AUDIT}/system/export`)).body.toString()
  assert.equal((await check(text.trimEnd().split('\n'))).kind, 'right')
  assert.ok(!text.includes(textAt(made, 'key')))
})
