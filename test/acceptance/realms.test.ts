import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Calls, CONTROL, JSON_BODY, memberAt, textAt } from '../kit/calls.ts'
import { openServer, type TestServer } from '../kit/in-process.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { SEED } from '../kit/seed.ts'

const REALMS = '/control/v1/realms'

let server: TestServer
let calls: Calls

before(async () => {
  const [first] = SEED.realms as readonly object[]
  server = await openServer({
    time: 'hand',
    seed: { realms: [first, { ...first, name: 'branch', verifiers: [] }] },
  })
  calls = new Calls(server.port)
})

after(async () => {
  calls.close()
  await server.close()
})

function send(line: string, body?: unknown, key = CONTROL): Promise<RawAnswer> {
  const text = body === undefined ? undefined : JSON.stringify(body)
  return calls.send(line, text === undefined ? [key] : [key, JSON_BODY], text)
}

function introspectIn(realm: string, token: string): Promise<RawAnswer> {
  const basic = `Authorization: Basic ${Buffer.from('svc:svc-secret-0123456789abcdef').toString('base64')}`
  const form = 'Content-Type: application/x-www-form-urlencoded'
  return calls.send(`POST /realms/${realm}/api/id/v1/auth/token/introspect`, [basic, form], `token=${token}`)
}

async function tokenIn(realm: string): Promise<string> {
  const answer = await send(`POST /control/v1/grants?realm=${realm}`, { clientId: 'svc', subject: 's' })
  assert.equal(answer.status, 201, answer.body.toString())
  return textAt(answer, 'access_token')
}

test('a realm that is made online is served at once, once, and under a fit name', async () => {
  const made = await send(`POST ${REALMS}`, { name: 'north' })
  assert.equal(made.status, 201)
  assert.deepEqual([memberAt(made, 'name'), memberAt(made, 'enabled')], ['north', true])
  const path = 'GET /.well-known/oauth-authorization-server/realms/north/api/id/v1'
  assert.equal((await calls.send(path)).status, 200)
  assert.equal((await send(`POST ${REALMS}`, { name: 'north' })).status, 409)
  for (const name of ['system', '', 'North', '-a', 'a'.repeat(64), 'a/b'])
    assert.equal((await send(`POST ${REALMS}`, { name })).status, 422, name)
})

test('disabling a realm ends everything in it and serves nothing of it; what ended stays so', async () => {
  const token = await tokenIn('branch')
  assert.equal(memberAt(await introspectIn('branch', token), 'active'), true)
  const key = await send('POST /control/v1/keys', { name: 'k', role: 'admin', realm: 'branch' })
  const own = `Authorization: Bearer ${textAt(key, 'key')}`
  const disabled = await send(`PATCH ${REALMS}/branch`, { enabled: false, reason: 'contract ended' })
  assert.deepEqual([disabled.status, memberAt(disabled, 'enabled')], [200, false])
  assert.equal((await introspectIn('branch', token)).status, 404)
  assert.equal(
    (await send('POST /control/v1/grants?realm=branch', { clientId: 'svc', subject: 's' })).status,
    404,
  )
  assert.equal((await send('GET /control/v1/issuers', undefined, own)).status, 404)
  const lines = (await send(`GET ${REALMS}/branch/export`)).body.toString()
  assert.match(lines, /"shape":"realm"/)
  assert.match(lines, /contract ended/)
  assert.match(lines, /"token":\{"handle":"tok_/)
  assert.match(lines, /"record":\{"collection":"oauthClients"/)
  assert.ok(!lines.includes(token))
  assert.equal((await send(`PATCH ${REALMS}/branch`, { enabled: true })).status, 200)
  assert.equal(memberAt(await introspectIn('branch', token), 'active'), false)
  assert.equal(memberAt(await introspectIn('branch', await tokenIn('branch')), 'active'), true)
})

test('a deleted realm is gone for good, and its name with it', async () => {
  assert.equal((await send(`POST ${REALMS}`, { name: 'brief' })).status, 201)
  assert.equal((await send(`DELETE ${REALMS}/brief`)).status, 204)
  for (const line of [`GET ${REALMS}/brief`, `DELETE ${REALMS}/brief`, `GET ${REALMS}/brief/export`])
    assert.equal((await send(line)).status, 404)
  assert.equal((await send(`PATCH ${REALMS}/brief`, { enabled: true })).status, 404)
  assert.equal((await send(`POST ${REALMS}`, { name: 'brief' })).status, 409)
  const names = (memberAt(await send(`GET ${REALMS}`), 'realms') as { name: string }[]).map(
    ({ name }) => name,
  )
  assert.ok(!names.includes('brief') && !names.includes('system') && names.includes('default'))
})

test('the realm of the realms themselves is untouchable, and the default realm stays', async () => {
  for (const line of [`GET ${REALMS}/system`, `DELETE ${REALMS}/system`, `GET ${REALMS}/system/export`])
    assert.equal((await send(line)).status, 404, line)
  assert.equal((await send(`PATCH ${REALMS}/system`, { enabled: false })).status, 404)
  assert.equal((await send(`DELETE ${REALMS}/default`)).status, 409)
  assert.equal((await send(`PATCH ${REALMS}/default`, { enabled: false })).status, 409)
  assert.equal((await send('POST /control/v1/master-key/rotate')).status, 409, 'no file to change')
})

test('[W53] what stands in a disabled realm is read with keys of all realms, and with no other; nothing is done in it', async () => {
  assert.equal((await send(`POST ${REALMS}`, { name: 'closed' })).status, 201)
  const target = { source: 'oauth', subject: 'ann' }
  const made = await send('POST /control/v1/revocations?realm=closed', { target, reason: 'before' })
  const id = textAt(made, 'id')
  const made2 = await send('POST /control/v1/keys', { name: 'closed-key', role: 'admin', realm: 'closed' })
  const own = `Authorization: Bearer ${textAt(made2, 'key')}`
  assert.equal((await send(`PATCH ${REALMS}/closed`, { enabled: false, reason: 'r' })).status, 200)
  const reads = [
    'tokens?source=oauth',
    'revocations',
    `revocations/${id}`,
    'audit',
    'audit/export',
    'holds',
    'clients',
    'issuers',
  ]
  for (const path of reads) {
    const sep = path.includes('?') ? '&' : '?'
    const answer = await send(`GET /control/v1/${path}${sep}realm=closed`)
    assert.equal(answer.status, 200, `${path} ${answer.body.toString()}`)
    assert.equal((await send(`GET /control/v1/${path}`, undefined, own)).status >= 400, true, path)
  }
  const audit = await send('GET /control/v1/audit?realm=closed&why=before')
  assert.equal((memberAt(audit, 'rows') as unknown[]).length, 1)
  for (const [line, body] of [
    ['POST /control/v1/revocations?realm=closed', { target, reason: 'after' }],
    ['POST /control/v1/clients?realm=closed', { clientId: 'x', grantTypes: ['client_credentials'] }],
    ['PATCH /control/v1/settings?realm=closed', { maxLifetimeSeconds: 60 }],
  ] as const)
    assert.equal((await send(line, body)).status, 404, line)
  for (const name of ['system', 'nowhere', 'north%2F', 'Closed'])
    assert.ok((await send(`GET /control/v1/audit?realm=${name}`)).status >= 400, name)
  assert.equal((await send(`DELETE ${REALMS}/closed`)).status, 204)
  assert.equal((await send('GET /control/v1/audit?realm=closed')).status, 404)
})
