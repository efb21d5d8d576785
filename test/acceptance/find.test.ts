import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { realmOrdinal } from '@rescind/core'
import fc from 'fast-check'
import { API_KEY, Calls, CONTROL, memberAt, succeeded, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { Provider } from '../kit/provider.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { ANN, CHAT, SEED, SVC } from '../kit/seed.ts'

/** [W51] Everything of one person is found, whatever is known of her, and the answer says where it looked. */

const [first] = SEED.realms as readonly object[]
const BRANCH = {
  name: 'branch',
  identity: {
    tenants: [{ id: 'b1', name: 'b1' }],
    users: [
      {
        ...{ id: 'branch-77', username: 'ann', password: 'branch-password-0123456789', tenantId: 'b1' },
        ...{ email: 'Ann@Example.org', roles: ['identity:default'], enabled: true },
      },
    ],
  },
}
const { server, calls } = await openForFile({
  time: 'hand',
  seed: { realms: [first, BRANCH, { ...BRANCH, name: 'closed' }, { name: 'bare' }] },
  flags: ['--allow-internal-fetch', '--control-rate', '0', '--identity-rate', '0'],
})
let idp: Provider
const keys = new Map<string, string>()

before(async () => {
  idp = await Provider.open('https://idp.example/', () => server.clock.wallMs() / 1_000)
  for (const [name, body] of [
    ['viewer', { role: 'viewer' }],
    ['branch', { role: 'admin', realm: 'branch' }],
    ['default', { role: 'viewer', realm: 'default' }],
  ] as const)
    keys.set(name, textAt(await calls.control('POST /keys', { name, ...body }), 'key'))
  succeeded(await calls.control('PATCH /realms/closed', { enabled: false }), 'closing')
})

after(() => idp.close())

const VERIFIER = 'Authorization: Bearer orders-api-key-0123456789'

type Finding = Readonly<Record<string, unknown>> & { readonly realm: string; readonly kind: string }
type Found = {
  readonly complete: boolean
  readonly recognised: readonly Readonly<Record<string, string>>[]
  readonly findings: readonly Finding[]
  readonly targets: readonly { readonly realm: string; readonly target: object }[]
  readonly searched: readonly Readonly<Record<string, unknown>>[]
  readonly notSearched: readonly Readonly<Record<string, unknown>>[]
}

const by = (name: string): string => `Authorization: Bearer ${keys.get(name)}`

async function find(text: string, query = '', key: string = by('viewer')): Promise<Found> {
  const answer = succeeded(await calls.control(`POST /find${query}`, { text }, key), 'find')
  return JSON.parse(answer.body.toString()) as Found
}

const brief = ({ findings }: Found): readonly unknown[] =>
  findings
    .filter(({ kind }) => kind !== 'receipt')
    .map(({ realm, kind, source, id, state }) => [realm, kind, source, id, state])

test('a person is found by name in every source and realm, with a target for each', async () => {
  await calls.oauthGrant('ann', SVC)
  await calls.chatToken('ann')
  await calls.identityToken(ANN)
  const found = await find('ann')
  assert.deepEqual(brief(found), [
    ['branch', 'user', 'identity', 'branch-77', 'live'],
    ['closed', 'user', 'identity', 'branch-77', 'live'],
    ['default', 'client', 'chat/acme', 'ann', 'live'],
    ['default', 'user', 'identity', '77', 'live'],
    ['default', 'subject', 'oauth', 'ann', 'live'],
  ])
  const tokens = found.findings.filter(({ realm }) => realm === 'default').map((one) => one['tokens'])
  assert.deepEqual(tokens, [
    { count: 1, complete: true },
    { count: 1, complete: true },
    { count: 2, complete: true },
  ])
  assert.deepEqual(found.recognised, [{ as: 'person' }])
  assert.deepEqual(
    found.searched.map(({ realm, state, complete }) => [realm, state, complete]),
    [
      ['bare', 'empty', true],
      ['branch', 'served', true],
      ['closed', 'disabled', true],
      ['default', 'served', true],
    ],
  )
  assert.equal(found.complete, true)
  for (const { realm, target } of found.targets.filter((one) => one.realm !== 'closed')) {
    const answer = await calls.control(`POST /revocations?realm=${realm}`, {
      target,
      reason: 'gone',
      dryRun: true,
    })
    assert.equal(answer.status, 200, answer.body.toString())
  }
  const receipts = await find('77', '?realm=default')
  assert.deepEqual(brief(receipts), [['default', 'user', 'identity', '77', 'live']])
})

test('names and e-mail addresses are found in any case, nicknames too', async () => {
  const put = { _id: 'n-1', nickname: 'Zoë Q.' }
  succeeded(await calls.json('POST /admin/clients', put, API_KEY), 'a client')
  const nick = await find('zoë q.', '?realm=default')
  assert.deepEqual(brief(nick), [['default', 'client', 'chat/acme', 'n-1', 'live']])
  assert.deepEqual(nick.findings[0]?.['by'], ['name'])
  for (const text of ['ann@example.org', ' <Ann@Example.org>, ', 'mailto:ANN@EXAMPLE.ORG'.slice(7)]) {
    const found = await find(text, '?realm=branch')
    assert.deepEqual(brief(found), [['branch', 'user', 'identity', 'branch-77', 'live']], text)
    assert.deepEqual(found.findings[0]?.['by'], ['email'])
  }
})

test('tokens are found by their text as it was pasted, and by every id of them', async () => {
  const { access, refresh } = await calls.oauthGrant('pat', SVC)
  for (const text of [access, ` Bearer ${access}\n`, `"${access}",`]) {
    const found = await find(text)
    assert.deepEqual(found.recognised, [{ as: 'token' }])
    assert.deepEqual([found.findings[0]?.kind, found.findings[0]?.['subject']], ['token', 'pat'])
    assert.ok(!JSON.stringify(found).includes(access))
  }
  const [token] = (await find(refresh)).findings
  const { id: handle, grant } = token as unknown as { id: string; grant: string }
  assert.deepEqual((await find(handle)).recognised, [{ as: 'handle' }])
  const ofGrant = await find(String(grant))
  assert.deepEqual(brief(ofGrant), [['default', 'grant', 'oauth', grant, 'live']])
  assert.deepEqual(ofGrant.targets, [{ realm: 'default', target: { source: 'oauth', grant } }])
  const receipt = textAt(await calls.control('POST /revocations', { target: { handle }, reason: 'r' }), 'id')
  const byReceipt = await find(receipt, '?realm=default')
  assert.deepEqual(brief({ ...byReceipt, findings: [] }), [])
  assert.deepEqual(
    byReceipt.findings.map(({ kind, id }) => [kind, id]),
    [['receipt', receipt]],
  )
  const over = await find(handle)
  assert.equal(over.findings.find(({ kind }) => kind === 'token')?.['state'], 'revoked')
  assert.equal((await find(String(grant))).findings[0]?.['state'], 'ended')
})

test('a bulk call is found by its id, with the receipts that it caused', async () => {
  const { access } = await calls.oauthGrant('in-bulk', SVC)
  const own = new Calls(server.port)
  const line = 'POST /control/v1/revocations/bulk?dryRun=false&reason=leak'
  const headers = [CONTROL, 'Content-Type: text/plain', 'Idempotency-Key: found']
  const answer = succeeded(await own.send(line, headers, access), line)
  own.close()
  const { bulk: id } = JSON.parse(answer.body.toString().split('\n')[0] ?? '') as { bulk: string }
  const found = await find(id, '?realm=default')
  assert.deepEqual(found.recognised, [{ as: 'bulk' }])
  assert.deepEqual(
    found.findings.map(({ kind, state }) => [kind, state]),
    [
      ['bulk', 'done'],
      ['receipt', 'revoked'],
    ],
  )
})

test('holds, schedules and approvals are found by id', async () => {
  const target = { source: 'oauth', subject: 'held-one' }
  const hold = textAt(
    await calls.control('POST /holds', { target, reason: 'r', seconds: 60, atDeadline: 'release' }),
    'id',
  )
  const at = '2026-03-02T00:00:00Z'
  const schedule = textAt(
    await calls.control('POST /revocations/scheduled', { target, reason: 'r', at }),
    'id',
  )
  const approval = textAt(await calls.control('POST /approvals', { target, reason: 'r' }), 'id')
  for (const [as, id] of [
    ['hold', hold],
    ['schedule', schedule],
    ['approval', approval],
  ] as const) {
    const found = await find(id)
    assert.deepEqual(found.recognised, [{ as }])
    assert.deepEqual(brief(found), [['default', as, undefined, id, 'open']])
  }
  await calls.oauthGrant('held-one', SVC).catch(() => undefined)
  const chat = { source: `chat/${CHAT.app}`, client: 'ann' }
  succeeded(
    await calls.control('POST /holds', { target: chat, reason: 'r', seconds: 60, atDeadline: 'release' }),
    'a hold',
  )
  const ann = (await find('ann', '?realm=default')).findings
  assert.equal(ann.find(({ source }) => source === 'chat/acme')?.['state'], 'held')
})

test('a registered issuer makes the answer incomplete, and says by which rules its tokens end', async () => {
  succeeded(await calls.control('POST /issuers', { issuer: idp.issuer, jwksUrl: idp.jwksUrl }), 'issuer')
  const source = `iss:${idp.issuer}`
  const unseen = await find('stranger', '?realm=default')
  assert.deepEqual(unseen.findings, [])
  assert.equal(unseen.complete, false)
  const [missed] = unseen.notSearched
  assert.equal(missed?.['source'], source)
  const [bySubject] = Object(missed).targets as object[]
  assert.deepEqual(bySubject, { source, subject: 'stranger' })
  const token = await idp.sign({ sub: 'stranger', jti: 'jti-of-a-stranger' })
  assert.equal(
    memberAt(await calls.control('POST /verify', { token }, VERIFIER), 'verdict', 'kind'),
    'active',
  )
  const seen = await find('stranger', '?realm=default')
  assert.deepEqual(brief(seen), [['default', 'subject', source, 'stranger', 'live']])
  const byJti = await find('jti-of-a-stranger', '?realm=default')
  assert.deepEqual(brief(byJti), [['default', 'foreignToken', source, 'jti-of-a-stranger', 'live']])
  assert.deepEqual(
    byJti.recognised.map(({ as }) => as),
    ['person', 'jti'],
  )
  const [target] = byJti.targets
  succeeded(await calls.control('POST /revocations', { target: target?.target, reason: 'r' }), 'by jti')
  const after_ = await find('jti-of-a-stranger', '?realm=default')
  assert.equal(after_.findings.find(({ kind }) => kind === 'foreignToken')?.['state'], 'revoked')
})

test('credentials that are no tokens are named, and how each is ended; nothing repeats them', async () => {
  const control = keys.get('default') ?? ''
  const secrets: readonly (readonly [string, string | undefined])[] = [
    [control, 'controlKey'],
    [`Authorization: Bearer ${control}`, 'controlKey'],
    [SVC.clientSecret, 'clientSecret'],
    [CHAT.apiKey, 'chatApiKey'],
    [ANN.apiKey, 'identityApiKey'],
    ['orders-api-key-0123456789', 'verifierKey'],
    [`${control.slice(0, -1)}${control.endsWith('x') ? 'y' : 'x'}`, undefined],
  ]
  for (const [text, credential] of secrets) {
    const found = await find(text)
    const one = found.recognised.find(({ as }) => as === 'credential')
    assert.ok(one !== undefined || credential === undefined, text)
    assert.equal(one?.['credential'], credential)
    assert.ok(!JSON.stringify(found).includes(text.replace('Authorization: Bearer ', '')), 'not repeated')
  }
  const code = await find('123456')
  assert.deepEqual(code.recognised.map(({ as }) => as).slice(0, 2), ['passcode', 'person'])
})

test("a realm's key finds nothing of another realm, and learns of none", async () => {
  const texts = ['ann', '77', 'branch-77', 'Ann@Example.org', 'rev_1_2', await calls.oauthToken(SVC)]
  const handle = textAt(await calls.control('POST /tokens/lookup', { token: texts[5] }), 'facts', 'handle')
  for (const text of [...texts, handle, keys.get('branch') ?? '', keys.get('viewer') ?? '']) {
    for (const [own, others] of [
      ['default', ['branch', 'closed', 'bare']],
      ['branch', ['default', 'closed', 'bare']],
    ] as const) {
      const found = JSON.stringify(await find(text, '', by(own)))
      for (const other of others) assert.ok(!found.includes(`"realm":"${other}"`), `${text} by ${own}`)
      assert.ok(own === 'default' || !/"id":"77"|chat\/acme/.test(found), text)
      assert.ok(own === 'branch' || text === 'branch-77' || !found.includes('branch-77'), text)
    }
  }
  const foreign = await find(keys.get('branch') ?? '', '', by('default'))
  assert.equal(foreign.recognised[0]?.['endedBy'], undefined)
  const answers: RawAnswer[] = []
  for (const realm of ['branch', 'nowhere'])
    answers.push(await calls.control(`POST /find?realm=${realm}`, { text: 'ann' }, by('default')))
  assert.deepEqual(
    answers.map(({ status }) => status),
    [404, 404],
  )
})

test('an empty list by a name says that it compares ids', async () => {
  for (const list of ['tokens?subject=eve', 'tokens?source=identity&subject=ann', 'revocations?client=zoe']) {
    const answer = succeeded(await calls.control(`GET /${list}`), list)
    assert.match(textAt(answer, 'hint'), /compared with ids, not with names; POST \/control\/v1\/find/)
  }
  assert.equal(memberAt(await calls.control('GET /tokens?subject=ann'), 'hint'), undefined)
  assert.match(textAt(await calls.control('GET /tokens?source=iss:x'), 'hint'), /recorded nowhere/)
})

test('a disabled realm is searched for keys of all realms, and one that does not exist is 404', async () => {
  assert.deepEqual(brief(await find('ann', '?realm=closed')), [
    ['closed', 'user', 'identity', 'branch-77', 'live'],
  ])
  assert.equal((await calls.control('POST /find?realm=nowhere', { text: 'ann' }, CONTROL)).status, 404)
  const token = await calls.oauthToken(SVC)
  const here = await calls.control('POST /tokens/lookup?realm=closed', { token })
  assert.deepEqual([here.status, textAt(here, 'detail')], [404, 'no such token'])
  for (const read of ['tokens', 'revocations', 'audit', 'identity-users', 'identity-users/branch-77'])
    assert.equal((await calls.control(`GET /${read}?realm=closed`)).status, 200, read)
})

test('any text is answered, and no answer or log row repeats a credential', async () => {
  const { access } = await calls.oauthGrant('fuzz', SVC)
  const parts = fc.oneof(
    fc.constantFrom('\0', '\ud800', '\u202e', '\n', 'tok_', 'rev_1_', access, ' ', '"', 'x'.repeat(16_384)),
    fc.string({ unit: 'binary', maxLength: 20 }),
  )
  const text = fc.array(parts, { minLength: 1, maxLength: 4 }).map((all) => all.join('').slice(0, 32_768))
  const head = (await server.store.head(realmOrdinal(1))).seq
  await fc.assert(
    fc.asyncProperty(text, async (one) => {
      const answer = await calls.control('POST /find?realm=default', { text: one }, by('viewer'))
      if (one === '') return assert.equal(answer.status, 422)
      assert.ok([200, 400].includes(answer.status), `${answer.status} ${answer.body.toString()}`)
      assert.ok(!answer.body.toString().includes(access))
    }),
    { numRuns: 30 },
  )
  for (const wrong of [
    {},
    { text: '' },
    { text: 1 },
    { text: 'x'.repeat(32_769) },
    { text: 'x', token: 'y' },
  ])
    assert.equal((await calls.control('POST /find', wrong)).status, 422)
  assert.equal((await server.store.head(realmOrdinal(1))).seq, head, 'nothing is written')
})
