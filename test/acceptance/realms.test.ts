import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memberAt, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { SEED } from '../kit/seed.ts'

const REALMS = '/control/v1/realms'

const [FIRST] = SEED.realms as readonly object[]
const { calls } = await openForFile({
  time: 'hand',
  seed: { realms: [FIRST, { ...FIRST, name: 'branch', verifiers: [] }] },
})

function introspectIn(realm: string, token: string): Promise<RawAnswer> {
  const basic = `Authorization: Basic ${Buffer.from('svc:svc-secret-0123456789abcdef').toString('base64')}`
  const form = 'Content-Type: application/x-www-form-urlencoded'
  return calls.send(`POST /realms/${realm}/api/id/v1/auth/token/introspect`, [basic, form], `token=${token}`)
}

async function tokenIn(realm: string): Promise<string> {
  const answer = await calls.control(`POST /grants?realm=${realm}`, { clientId: 'svc', subject: 's' })
  assert.equal(answer.status, 201, answer.body.toString())
  return textAt(answer, 'access_token')
}

test('a realm created online is served at once; its name must be valid and new', async () => {
  const made = await calls.json(`POST ${REALMS}`, { name: 'north' })
  assert.equal(made.status, 201)
  assert.deepEqual([memberAt(made, 'name'), memberAt(made, 'enabled')], ['north', true])
  const path = 'GET /.well-known/oauth-authorization-server/realms/north/api/id/v1'
  assert.equal((await calls.send(path)).status, 200)
  assert.equal((await calls.json(`POST ${REALMS}`, { name: 'north' })).status, 409)
  for (const name of ['system', '', 'North', '-a', 'a'.repeat(64), 'a/b'])
    assert.equal((await calls.json(`POST ${REALMS}`, { name })).status, 422, name)
})

test('disabling a realm ends everything in it and stops serving it; ended tokens stay dead', async () => {
  const token = await tokenIn('branch')
  assert.equal(memberAt(await introspectIn('branch', token), 'active'), true)
  const key = await calls.control('POST /keys', { name: 'k', role: 'admin', realm: 'branch' })
  const own = `Authorization: Bearer ${textAt(key, 'key')}`
  const disabled = await calls.json(`PATCH ${REALMS}/branch`, { enabled: false, reason: 'contract ended' })
  assert.deepEqual([disabled.status, memberAt(disabled, 'enabled')], [200, false])
  assert.equal((await introspectIn('branch', token)).status, 404)
  assert.equal(
    (await calls.control('POST /grants?realm=branch', { clientId: 'svc', subject: 's' })).status,
    404,
  )
  assert.equal((await calls.control('GET /issuers', undefined, own)).status, 404)
  const lines = (await calls.json(`GET ${REALMS}/branch/export`)).body.toString()
  assert.match(lines, /"shape":"realm"/)
  assert.match(lines, /contract ended/)
  assert.match(lines, /"token":\{"handle":"tok_/)
  assert.match(lines, /"record":\{"collection":"oauthClients"/)
  assert.ok(!lines.includes(token))
  assert.equal((await calls.json(`PATCH ${REALMS}/branch`, { enabled: true })).status, 200)
  assert.equal(memberAt(await introspectIn('branch', token), 'active'), false)
  assert.equal(memberAt(await introspectIn('branch', await tokenIn('branch')), 'active'), true)
})

test('a deleted realm is gone for good, and so is its name', async () => {
  assert.equal((await calls.json(`POST ${REALMS}`, { name: 'brief' })).status, 201)
  assert.equal((await calls.json(`DELETE ${REALMS}/brief`)).status, 204)
  for (const line of [`GET ${REALMS}/brief`, `DELETE ${REALMS}/brief`, `GET ${REALMS}/brief/export`])
    assert.equal((await calls.json(line)).status, 404)
  assert.equal((await calls.json(`PATCH ${REALMS}/brief`, { enabled: true })).status, 404)
  assert.equal((await calls.json(`POST ${REALMS}`, { name: 'brief' })).status, 409)
  const names = (memberAt(await calls.json(`GET ${REALMS}`), 'realms') as { name: string }[]).map(
    ({ name }) => name,
  )
  assert.ok(!names.includes('brief') && !names.includes('system') && names.includes('default'))
})

test('the system realm cannot be changed, and the default realm cannot be deleted', async () => {
  for (const line of [`GET ${REALMS}/system`, `DELETE ${REALMS}/system`, `GET ${REALMS}/system/export`])
    assert.equal((await calls.json(line)).status, 404, line)
  assert.equal((await calls.json(`PATCH ${REALMS}/system`, { enabled: false })).status, 404)
  assert.equal((await calls.json(`DELETE ${REALMS}/default`)).status, 409)
  assert.equal((await calls.json(`PATCH ${REALMS}/default`, { enabled: false })).status, 409)
  assert.equal((await calls.control('POST /master-key/rotate')).status, 409, 'no file to change')
})

test('[W53] a disabled realm can be read only with keys of all realms, and not be changed', async () => {
  assert.equal((await calls.json(`POST ${REALMS}`, { name: 'closed' })).status, 201)
  const target = { source: 'oauth', subject: 'ann' }
  const made = await calls.control('POST /revocations?realm=closed', { target, reason: 'before' })
  const id = textAt(made, 'id')
  const made2 = await calls.control('POST /keys', { name: 'closed-key', role: 'admin', realm: 'closed' })
  const own = `Authorization: Bearer ${textAt(made2, 'key')}`
  assert.equal((await calls.json(`PATCH ${REALMS}/closed`, { enabled: false, reason: 'r' })).status, 200)
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
    const answer = await calls.control(`GET /${path}${sep}realm=closed`)
    assert.equal(answer.status, 200, `${path} ${answer.body.toString()}`)
    assert.equal((await calls.control(`GET /${path}`, undefined, own)).status >= 400, true, path)
  }
  const evidence = await calls.control('POST /evidence?realm=closed', { receipts: [id] })
  assert.equal(evidence.status, 200, evidence.body.toString())
  assert.match(evidence.body.toString(), /"realm":"closed".*[^]*"receipts":1/)
  assert.equal((await calls.control('POST /evidence', { receipts: [id] }, own)).status, 404)
  const audit = await calls.control('GET /audit?realm=closed&why=before')
  assert.equal((memberAt(audit, 'rows') as unknown[]).length, 1)
  for (const [line, body] of [
    ['POST /control/v1/revocations?realm=closed', { target, reason: 'after' }],
    ['POST /control/v1/clients?realm=closed', { clientId: 'x', grantTypes: ['client_credentials'] }],
    ['PATCH /control/v1/settings?realm=closed', { maxLifetimeSeconds: 60 }],
  ] as const)
    assert.equal((await calls.json(line, body)).status, 404, line)
  for (const name of ['system', 'nowhere', 'north%2F', 'Closed'])
    assert.ok((await calls.control(`GET /audit?realm=${name}`)).status >= 400, name)
  assert.equal((await calls.json(`DELETE ${REALMS}/closed`)).status, 204)
  assert.equal((await calls.control('GET /audit?realm=closed')).status, 404)
})
