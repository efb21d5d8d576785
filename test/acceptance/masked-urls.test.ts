import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realmOrdinal } from '@rescind/core'
import { Calls, jsonOf, memberAt, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import type { RawAnswer } from '../kit/raw-http.ts'

// [J09] A URL that contains a secret must not be shown to everybody who may read it.

const SECRET = 'code-of-a-function-0123456789'
const SPELLINGS = [
  `https://idp.example/keys?code=${SECRET}`,
  `https://idp.example/keys?${SECRET}`,
  `https://idp.example/keys?a=1&b=${SECRET}&c`,
  `https://idp.example:8443/a/b?x=https://y/?z=${SECRET}`,
  `https://idp.example?${SECRET}`,
]

const { server, calls } = await openForFile({ time: 'hand', flags: ['--control-rate', '0'] })

async function send(line: string, body?: unknown): Promise<RawAnswer> {
  const answer = await calls.control(line, body)
  assert.ok(!answer.body.toString().includes(SECRET), `${line} shows it`)
  return answer
}

async function stored(collection: string, member: string): Promise<readonly unknown[]> {
  const { records } = await server.store.records(realmOrdinal(1), {
    collection,
    after: undefined,
    limit: 100,
  })
  return records.map(({ body }) => (JSON.parse(body ?? '{}') as Record<string, unknown>)[member])
}

test('a secret in the query of a jwksUrl or a verifyUrl appears in no answer, audit row or export [J09]', async () => {
  for (const [nth, url] of SPELLINGS.entries()) {
    const issuer = `https://idp-${nth}.example`
    const made = await send('POST /issuers', { issuer, jwksUrl: url })
    assert.equal(made.status, 201, made.body.toString())
    assert.equal(textAt(made, 'jwksUrl'), `${url.slice(0, url.indexOf('?'))}?***`)
    const app = await send('POST /chat-apps', { name: `app-${nth}`, verifyUrl: url })
    assert.equal(app.status, 201, app.body.toString())
    await send(`GET /issuers/${textAt(made, 'id')}`)
    await send(`GET /chat-apps/app-${nth}`)
  }
  for (const path of [
    'GET /issuers',
    'GET /chat-apps',
    'GET /audit',
    'GET /audit/export',
    'GET /realms/default/export',
    'GET /audit/system',
  ]) {
    const own = new Calls(server.port)
    try {
      const answer = await own.control(path)
      assert.equal(answer.status, 200, path)
      assert.ok(!answer.body.toString().includes(SECRET), path)
    } finally {
      own.close()
    }
  }
  const plain = await send('POST /issuers', {
    issuer: 'https://plain.example',
    jwksUrl: 'https://plain.example/k',
  })
  assert.equal(textAt(plain, 'jwksUrl'), 'https://plain.example/k')
  assert.deepEqual(
    (await stored('issuers', 'jwksUrl')).filter((one) => SPELLINGS.includes(String(one))).sort(),
    [...SPELLINGS].sort(),
  )
})

/** URLs and how they are shown, without segments that may be secrets. */
const PATHS = [
  [`https://idp.example/${SECRET}`, 'https://idp.example/***'],
  [`https://idp.example/${SECRET}/jwks.json`, 'https://idp.example/***/jwks.json'],
  [`https://idp.example/keys/${SECRET}/`, 'https://idp.example/keys/***/'],
  [`https://idp.example/api/v2/${SECRET}?x=1`, 'https://idp.example/api/v2/***?***'],
  [`https://idp.example/a;${SECRET}/keys`, 'https://idp.example/***/keys'],
  [`https://idp.example//${SECRET}`, 'https://idp.example//***'],
  ['https://idp.example/.well-known/jwks.json', 'https://idp.example/.well-known/jwks.json'],
  [
    'https://idp.example/realms/acme/protocol/openid-connect/certs',
    'https://idp.example/realms/acme/protocol/openid-connect/certs',
  ],
] as const

test('a secret in the path is masked like one in the query [J09]', async () => {
  for (const [nth, [url, shown]] of PATHS.entries()) {
    const made = await send('POST /issuers', { issuer: `https://path-${nth}.example`, jwksUrl: url })
    assert.equal(textAt(made, 'jwksUrl'), shown)
    const app = await send('POST /chat-apps', { name: `path-${nth}`, verifyUrl: url })
    assert.equal(textAt(app, 'verifyUrl'), shown)
    const back = await send(`PATCH /issuers/${textAt(made, 'id')}`, { jwksUrl: shown, skewSeconds: 7 })
    assert.equal(back.status, 200, back.body.toString())
    assert.ok((await stored('issuers', 'jwksUrl')).includes(url))
    const other = { issuer: `https://other-${nth}.example`, jwksUrl: shown }
    assert.equal((await send('POST /issuers', other)).status, shown.includes('***') ? 422 : 201)
  }
})

test('a record sent back as shown stays unchanged, and any other masked URL is refused [J09]', async () => {
  const [url = ''] = SPELLINGS
  const issuer = await send('POST /issuers', { issuer: 'https://back.example', jwksUrl: url })
  const path = `/issuers/${textAt(issuer, 'id')}`
  const { jwksUrl } = jsonOf(issuer) as { jwksUrl: string }
  assert.equal((await send(`PATCH ${path}`, { jwksUrl, skewSeconds: 1 })).status, 200)
  assert.ok((await stored('issuers', 'jwksUrl')).includes(url))
  const { rows } = jsonOf(await send('GET /audit?limit=1')) as { rows: readonly { kind: string }[] }
  assert.equal(rows[0]?.kind, 'change', 'nothing was narrowed, so nothing was ended')
  assert.equal((await send(`PATCH ${path}`, { jwksUrl: 'https://other.example/keys?***' })).status, 422)
  assert.equal((await send('POST /issuers', { issuer: 'https://new.example', jwksUrl })).status, 422)
  await send('POST /chat-apps', { name: 'back', verifyUrl: url })
  const verifyUrl = String(memberAt(await send('GET /chat-apps/back'), 'verifyUrl'))
  assert.equal((await send('PATCH /chat-apps/back', { verifyUrl, sandbox: true })).status, 200)
  assert.ok((await stored('chatApps', 'verifyUrl')).includes(url))
  assert.equal((await send('POST /chat-apps', { name: 'copied', verifyUrl })).status, 422)
  assert.equal((await send('PATCH /chat-apps/back', { verifyUrl: null })).status, 200)
  assert.equal((await send('PATCH /chat-apps/back', { verifyUrl })).status, 422)
})
