import assert from 'node:assert/strict'
import { createHash, createPublicKey, verify } from 'node:crypto'
import { before, test } from 'node:test'
import { evidenceKeyOf, signDetached } from '@rescind/authority'
import { chainAfter, readCheckpoint } from '@rescind/core/log'
import { checkLogFile } from '@rescind/server'
import { exportLine, readExportLine } from '../../server/audit/row-json.ts'
import { jsonOf, memberAt, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { SEED, SVC } from '../kit/seed.ts'

type Json = Readonly<Record<string, unknown>>
type Check = Awaited<ReturnType<typeof checkLogFile>>

const { server, calls } = await openForFile({
  time: 'hand',
  flags: ['--control-rate', '0'],
  seed: { ...SEED, realms: [...SEED.realms, { name: 'branch' }] },
})

const INCIDENT = 'incident 42'
const ids: string[] = []
let approver = ''
let file = ''
let token = ''

async function done(line: string, body?: unknown, by?: string): Promise<Json> {
  const answer = await calls.control(line, body, by)
  assert.ok(answer.status < 300, `${line}: ${answer.status} ${answer.body.toString()}`)
  return answer.body.length === 0 ? {} : (jsonOf(answer) as Json)
}

async function noise(): Promise<void> {
  await done('POST /revocations', { target: { source: 'oauth', subject: 'mallory' }, reason: 'another one' })
  server.clock.advance(1_000)
}

before(async () => {
  token = await calls.oauthToken(SVC)
  const second = await done('POST /keys', { name: 'grace', role: 'responder', owner: 'grace@example.com' })
  approver = `Authorization: Bearer ${String(second['key'])}`
  await noise()
  const target = { source: 'oauth', subject: 'alice' }
  const hold = await done('POST /holds', { target, reason: INCIDENT, seconds: 3_600, atDeadline: 'release' })
  await noise()
  ids.push(String((await done('POST /revocations', { target, reason: INCIDENT }))['id']))
  await noise()
  const asked = await done('POST /approvals', {
    target: { source: 'oauth', subject: 'bob' },
    reason: INCIDENT,
  })
  await noise()
  await done(`POST /approvals/${String(asked['id'])}/approve`, {}, approver)
  await done('POST /clients/svc/secrets', { revokeTokens: true, reason: INCIDENT })
  await noise()
  await done(`POST /holds/${String(hold['id'])}/release`, { reason: 'over' })
  await noise()
  file = await made({ reason: INCIDENT })
})

async function made(body: Json): Promise<string> {
  const answer = await calls.control('POST /evidence', body)
  assert.equal(answer.status, 200, answer.body.toString())
  return answer.body.toString()
}

async function check(
  text: string | Buffer,
  known: Partial<Parameters<typeof checkLogFile>[1]> = {},
): Promise<Check> {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    const all = Buffer.from(text)
    // In pieces, as a file is read.
    for (let at = 0; at < all.length; at += 1_000) yield all.subarray(at, at + 1_000)
  }
  return checkLogFile(bytes(), { positions: [], ...known })
}

const linesOf = (text: string): string[] => text.trimEnd().split('\n')
const parsed = (text: string): Json[] => linesOf(text).map((line) => JSON.parse(line) as Json)

test('evidence of an incident has its receipts, the rows of its holds, approvals and changes, and who they were', async () => {
  const lines = parsed(file)
  const receipts = lines.flatMap((line) => ('receipt' in line ? [line['receipt'] as Json] : []))
  const own = lines.filter((line) => 'seq' in line)
  const who = own.map(
    ({ kind, who: by }) => `${String(kind)} ${String((by as Json)['how'])} ${String((by as Json)['byName'])}`,
  )
  assert.deepEqual(who, [
    'change control.placeHold first',
    'hold control.placeHold first',
    'revoke control.revoke first',
    'change control.askApproval first',
    'change control.approve grace',
    'revoke control.approve grace',
    'change control.rotateClientSecret first',
    'revoke control.rotateClientSecret first',
    'change control.releaseHold first',
    'release control.releaseHold first',
  ])
  assert.equal(receipts.length, 3)
  assert.equal((receipts[1]?.['cause'] as Json | undefined)?.['askedBy'], 'control:first')
  const { enforcement: beside, exposure } = lines.find((line) => 'receipt' in line) ?? {}
  assert.deepEqual(beside, { enforced: true, enforcedBy: 'none-known', instanceCount: 0, instances: [] })
  assert.deepEqual([(exposure as Json)['complete'], (exposure as Json)['revocation']], [false, ids[0]])
  const [header] = lines
  assert.deepEqual(
    [header?.['realm'], header?.['by'], header?.['byName'], header?.['selection']],
    ['default', 'control:first', 'first', { reason: INCIDENT }],
  )
  // Of the rows in between there are hashes, and nothing of what they say.
  const others = lines.filter((line) => 'other' in line)
  assert.ok(others.length >= 4)
  for (const other of others)
    assert.deepEqual(Object.keys(other), ['other', 'atMs', 'kind', 'ruleHash', 'auditHash', 'chain'])
})

test('it is right, is signed by the key that a route publishes, and anybody can verify that', async () => {
  const checked = await check(file)
  assert.ok(checked.kind === 'evidence', JSON.stringify(checked))
  assert.deepEqual([checked.receipts, checked.rows, checked.gone, checked.isKeyKnown], [3, 10, 0, false])
  const { kid, jwk } = await done('GET /evidence/key')
  assert.equal(checked.keyId, kid)
  const known = await check(file, { keyId: String(kid) })
  assert.ok(known.kind === 'evidence' && known.isKeyKnown)
  const lines = linesOf(file)
  const [head, , signature] = (JSON.parse(lines.at(-1) ?? '') as { signature: string }).signature.split('.')
  const key = createPublicKey({ key: jwk as Record<string, string>, format: 'jwk' })
  const signed = Buffer.from(`${head}.${Buffer.from(lines.at(-2) ?? '').toString('base64url')}`)
  assert.ok(verify(null, signed, key, Buffer.from(signature ?? '', 'base64url')))
  assert.deepEqual(JSON.parse(Buffer.from(head ?? '', 'base64url').toString()), {
    alg: 'EdDSA',
    typ: 'rescind-evidence',
    kid,
  })
})

test('the same question about the same log has the same bytes for an answer', async () => {
  assert.equal(await made({ reason: INCIDENT }), file)
})

test('an incident is named by ids, a cause, rows or times as well, and what was done in the same request is in it', async () => {
  const rowsOf = async (body: Json): Promise<readonly unknown[]> =>
    parsed(await made(body)).flatMap((line) => ('seq' in line ? [line['kind']] : []))
  assert.deepEqual(await rowsOf({ receipts: ids }), ['revoke'])
  const [, approved, rotated] = parsed(file).flatMap((line) =>
    'receipt' in line ? [line['receipt'] as Json] : [],
  )
  assert.deepEqual(await rowsOf({ receipts: [approved?.['id']] }), ['change', 'change', 'revoke'])
  assert.deepEqual(await rowsOf({ receipts: [rotated?.['id']] }), ['change', 'revoke'])
  const cause = (approved?.['cause'] as Json | undefined)?.['approval']
  assert.deepEqual(await rowsOf({ cause }), ['change', 'change', 'revoke'])
  assert.deepEqual(await rowsOf({ rows: [1] }), ['epoch'])
  const since = '2026-03-01T12:00:00Z'
  const all = parsed(await made({ since })).filter((line) => 'receipt' in line)
  assert.equal(
    all.length,
    (memberAt(await calls.control('GET /revocations?limit=500'), 'revocations') as unknown[]).length,
  )
  for (const line of [since, '2026-03-01T12:00:01Z'])
    assert.ok(parsed(await made({ since, until: line, rows: [1] })).length > 3)
})

test('nothing of another incident, no address and no secret stands in it', async () => {
  const made_ = await made({ receipts: ids })
  for (const text of ['bob', 'grace', 'mallory', 'another one', 'rsk_'])
    assert.ok(!made_.includes(text), text)
  assert.ok(!(linesOf(made_)[0] ?? '').includes('127.0.0.1'))
})

test('what names nothing, too much or a credential is refused', async () => {
  const refused: readonly (readonly [body: Json, status: number, detail: RegExp])[] = [
    [{}, 422, /give receipts/],
    [{ receipts: ['rev_1_999999'] }, 422, /no such revocation/],
    [{ receipts: ['rev_2_1'] }, 422, /no such/],
    [{ receipts: ['rev_1_1'] }, 422, /no such/],
    [{ receipts: ['x'] }, 422, /no such/],
    [{ rows: [999_999] }, 422, /row 999999/],
    [{ reason: 'nobody ever said so' }, 404, /nothing/],
    [{ since: 'yesterday' }, 422, /since/],
    [{ cause: token }, 422, /credential/],
    [{ receipts: Array.from({ length: 1_001 }, (_, at) => `rev_1_${at + 1}`) }, 422, /receipts/],
  ]
  for (const [body, status, detail] of refused) {
    const answer = await calls.control('POST /evidence', body)
    assert.equal(answer.status, status, JSON.stringify(body))
    assert.match(textAt(answer, 'detail'), detail)
  }
  const pasted = await made({ reason: `leak of ${token}`, rows: [1] })
  assert.ok(!pasted.includes(token), 'a token in the reason is replaced by its handle')
})

test('a viewer may make it, leaves no row, and has no other realm in it', async () => {
  const viewer = `Authorization: Bearer ${String((await done('POST /keys', { name: 'v', role: 'viewer', realm: 'default' }))['key'])}`
  const branch = `Authorization: Bearer ${String((await done('POST /keys', { name: 'b', role: 'admin', realm: 'branch' }))['key'])}`
  const head = memberAt(await calls.control('GET /audit?limit=1'), 'rows')
  const answer = await calls.control('POST /evidence', { receipts: ids }, viewer)
  assert.equal(answer.status, 200)
  assert.equal((await check(answer.body)).kind, 'evidence')
  assert.deepEqual(memberAt(await calls.control('GET /audit?limit=1'), 'rows'), head)
  assert.equal((await calls.control('POST /evidence?realm=default', { receipts: ids }, branch)).status, 404)
  assert.equal((await calls.control('POST /evidence', { receipts: ids }, branch)).status, 422)
  const keys = [await done('GET /evidence/key'), await done('GET /evidence/key', undefined, branch)]
  assert.notEqual(keys[0]?.['kid'], keys[1]?.['kid'])
})

test('what was done to the store itself, such as ending a control key, has evidence of its own', async () => {
  const { id } = await done('POST /keys', { name: 'leaked', role: 'viewer' })
  await done(`DELETE /keys/${String(id)}`)
  const rows = memberAt(
    await calls.control('GET /audit/system?how=control.revokeKey&limit=10'),
    'rows',
  ) as Json[]
  const answer = await calls.control('POST /evidence/system', { rows: rows.map(({ seq }) => seq) })
  const checked = await check(answer.body)
  assert.ok(checked.kind === 'evidence' && checked.realm === 'system' && checked.rows === rows.length)
  assert.equal(checked.keyId, (await done('GET /evidence/system/key'))['kid'])
  assert.equal((await calls.control('POST /evidence/system', { rows: [1] }, approver)).status, 200)
  const own = await done('POST /keys', { name: 'own', role: 'admin', realm: 'default' })
  for (const line of ['POST /evidence/system', 'GET /evidence/system/key']) {
    const body = line.startsWith('POST') ? { rows: [1] } : undefined
    const by = `Authorization: Bearer ${String(own['key'])}`
    assert.equal((await calls.control(line, body, by)).status, 403, line)
  }
})

test('a known position inside of it must be in it, and one outside of it proves nothing', async () => {
  const { from, through } = (await check(file)) as { readonly from: number; readonly through: number }
  const chains = new Map(
    parsed(file).map((line) => [Number(line['seq'] ?? line['other']), String(line['chain'])]),
  )
  const at = (seq: number, chain = chains.get(seq) ?? ''): Promise<Check> =>
    check(file, { positions: [{ seq, chain }] })
  for (const seq of [from, from + 1, through]) assert.equal((await at(seq)).kind, 'evidence')
  const start = String(parsed(file)[0]?.['chain'])
  assert.equal((await at(from - 1, start)).kind, 'evidence')
  const other = Buffer.alloc(32, 1).toString('base64url')
  for (const seq of [from - 1, from + 1, through])
    assert.deepEqual(wrongOf(await at(seq, other)), `row ${seq} not-the-log`)
  assert.equal(wrongOf(await at(from - 2, other)), 'position-outside')
  assert.equal(wrongOf(await at(through + 1_000, other)), 'position-outside')
})

test('a position proves the rows before it, and not those that somebody with the key wrote after it', async () => {
  const keyId = String((await done('GET /evidence/key'))['kid'])
  const { from, through } = (await check(file)) as { readonly from: number; readonly through: number }
  const lines = parsed(file)
  const chainAt = (at: number): string =>
    String(lines.find(({ seq, other }) => (seq ?? other) === at)?.['chain'] ?? lines[0]?.['chain'])
  const proven = async (...seqs: readonly number[]): Promise<unknown> => {
    const positions = seqs.map((seq) => ({ seq, chain: chainAt(seq) }))
    const checked = await check(file, { positions, keyId })
    return checked.kind === 'evidence' ? checked.provenThrough : checked
  }
  assert.equal(await proven(), undefined)
  assert.equal(await proven(from - 1), undefined, 'whoever knows a chain value can go on from it')
  assert.equal(await proven(from, through - 1), through - 1)
  // What the file says of the head of the log is signed, and proves nothing to whom others may have signed it.
  const head = readCheckpoint(String(lines.at(-2)?.['position'])) ?? assert.fail()
  assert.ok(head.seq > through)
  assert.equal(wrongOf(await check(file, { positions: [head], keyId })), 'position-outside')
})

function wrongOf(checked: Check): string {
  if (checked.kind !== 'evidence-wrong') return checked.kind
  const { why } = checked
  return why.what === 'row' ? `row ${why.fault.seq} ${why.fault.what}` : why.what
}

test('no byte of it can be changed, removed or added', async () => {
  const small = Buffer.from(await made({ receipts: ids }))
  for (let at = 0; at < small.length; at += 1) {
    const byte = small[at] ?? 0
    for (const other of new Set([byte ^ 1, 0x0d])) {
      if (other === byte) continue
      const altered = Buffer.from(small)
      altered[at] = other
      assert.notEqual((await check(altered)).kind, 'evidence', `byte ${at}: ${byte} to ${other}`)
    }
    const shorter = Buffer.concat([small.subarray(0, at), small.subarray(at + 1)])
    assert.notEqual((await check(shorter)).kind, 'evidence', `without byte ${at}`)
  }
  for (const more of ['\n', ' ', '{}\n', '{"signature":"x"}\n'])
    assert.notEqual((await check(Buffer.concat([small, Buffer.from(more)]))).kind, 'evidence')
})

test('no line of it can be removed, doubled, swapped or taken from other evidence, and each is named', async () => {
  const lines = linesOf(file)
  const other = linesOf(await made({ receipts: ids }))
  const whole = (all: readonly string[]): string => `${all.join('\n')}\n`
  for (const [at, line] of lines.entries()) {
    for (const altered of [
      lines.toSpliced(at, 1),
      lines.toSpliced(at, 0, line),
      lines.toSpliced(at, 2, lines[at + 1] ?? '', line),
    ])
      if (altered.join() !== lines.join())
        assert.notEqual((await check(whole(altered))).kind, 'evidence', `line ${at}`)
    for (const foreign of other)
      if (foreign !== line)
        assert.notEqual((await check(whole(lines.with(at, foreign)))).kind, 'evidence', `line ${at}`)
  }
  const receipt = lines.findIndex((line) => line.startsWith('{"receipt":'))
  const said = lines[receipt]?.replaceAll(INCIDENT, 'incident 43') ?? ''
  assert.equal(wrongOf(await check(whole(lines.with(receipt, said)))), 'receipt')
  const enforcement = lines[receipt]?.replace('none-known', 'instances') ?? ''
  assert.equal(wrongOf(await check(whole(lines.with(receipt, enforcement)))), 'bytes')
  assert.equal(wrongOf(await check(whole(lines.slice(0, -1)))), 'cut-short')
  assert.equal(wrongOf(await check(whole([...lines.slice(0, -1), other.at(-1) ?? '']))), 'signature')
  assert.equal(wrongOf(await check(file, { keyId: 'a'.repeat(43) })), 'other-key')
  assert.equal(wrongOf(await check(file.replace('\n', '\r\n'))), 'bytes')
})

/** The file as somebody else makes it of other lines: whole, and signed by a key of their own. */
function forged(lines: readonly string[]): string {
  const { publicJwk, signing } = evidenceKeyOf(Buffer.alloc(32, 9))
  const [head = '', ...body] = lines.slice(0, -2)
  const own = `${JSON.stringify({ ...(JSON.parse(head) as Json), key: publicJwk })}\n${body.map((line) => `${line}\n`).join('')}`
  const sha256 = createHash('sha256').update(own).digest('base64url')
  const end = JSON.stringify({ ...(JSON.parse(lines.at(-2) ?? '') as Json), sha256 })
  return `${own}${end}\n${JSON.stringify({ signature: signDetached(end, 'rescind-evidence', signing) })}\n`
}

test('whoever signs it anew cannot make a receipt say what its rows do not say, nor be taken for the realm', async () => {
  const lines = linesOf(file)
  const kid = String((await done('GET /evidence/key'))['kid'])
  assert.equal((await check(forged(lines))).kind, 'evidence', 'whole, as the file says of itself')
  assert.equal(wrongOf(await check(forged(lines), { keyId: kid })), 'other-key')
  const at = lines.findIndex((line) => line.startsWith('{"receipt":'))
  const receipt = lines[at] ?? ''
  for (const [from, to] of [
    [INCIDENT, 'incident 43'],
    ['"byName":"first"', '"byName":"grace"'],
    ['"subject":"alice"', '"subject":"bob"'],
    ['"realm":"default"', '"realm":"branch"'],
    ['{"receipt":{', '{"receipt":{"note":"agreed",'],
  ] as const)
    assert.equal(wrongOf(await check(forged(lines.with(at, receipt.replace(from, to))))), 'receipt', from)
  assert.equal(wrongOf(await check(forged(lines.toSpliced(at, 0, receipt)))), 'receipt')
  assert.equal(wrongOf(await check(forged(lines.toSpliced(at, 1)))), 'counts')
  const row = lines.findIndex((line) => line.startsWith('{"seq":'))
  const text = lines[row] ?? ''
  assert.match(
    wrongOf(
      await check(forged(lines.with(row, text.replace('"by":"control:first"', '"by":"control:other"')))),
    ),
    /altered/,
  )
})

test('a file that was made to break its reader is wrong, like any other', async () => {
  const [head = '', ...lines] = linesOf(file)
  const receipt = lines.find((line) => line.startsWith('{"receipt":')) ?? ''
  const own = readExportLine(lines.find((line) => line.startsWith('{"seq":')) ?? '') ?? assert.fail()
  const { after: start, chain } = JSON.parse(head) as { readonly after: number; readonly chain: string }
  const first = (over: Partial<typeof own>): string => {
    const row = { ...own, seq: start + 1, ...over }
    return exportLine({ ...row, chain: chainAfter(Buffer.from(chain, 'base64url'), row) })
  }
  const ofNewerKind = first({ kind: 77 })
  assert.equal(wrongOf(await check(`${head}\n${ofNewerKind}\n${receipt}\n`)), 'receipt')
  const before1970 = first({ atMs: 5 }).replace('1970-01-01T00:00:00.005Z', '1969-12-31T23:59:59.995Z')
  for (const line of [
    before1970,
    before1970.replace('"rule"', '"atMs":-5,"rule"'),
    first({}).replace('"seq":', '"seq":-'),
  ])
    assert.match(wrongOf(await check(`${head}\n${line}\n`)), /altered/)
  const other = lines.find((line) => line.startsWith('{"other":')) ?? ''
  for (const [from, to] of [
    ['"atMs":', '"atMs":-'],
    ['"kind":', '"kind":999'],
    ['"ruleHash":"', '"ruleHash":"AA'],
    ['{"other":', '{"other":1e99'],
  ] as const)
    assert.match(wrongOf(await check(`${head}\n${other.replace(from, to)}\n`)), /altered/)
})

test('junk of every kind is not taken for evidence', async () => {
  const junk: readonly (string | Buffer)[] = [
    ...[
      '',
      '\n',
      '{}',
      '{"evidence":1}\n',
      'hello\n',
      '{"evidence":"rescind-evidence","version":2}\n',
      '\u0000'.repeat(5_000),
    ],
    ...[Buffer.alloc(3_000, 0xff), Buffer.from('1f8b08000000000000', 'hex'), '['.repeat(100_000)],
    `{"evidence":${'['.repeat(10_000)}\n`,
  ]
  for (const text of junk) assert.equal((await check(text)).kind, 'not-ours', String(text).slice(0, 40))
  assert.equal(wrongOf(await check(`${linesOf(file)[0] ?? ''}\n`)), 'cut-short')
  assert.equal(wrongOf(await check(`${linesOf(file)[0] ?? ''}\n${'['.repeat(50_000)}\n`)), 'line')
  const exported = (await calls.control('GET /audit/export')).body.toString()
  for (const text of [exported, exported.replaceAll('\n', '\r\n')])
    assert.equal((await check(text)).kind, 'right')
})
