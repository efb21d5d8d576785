import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { realmOrdinal } from '@rescind/core'
import { write } from '../kit/aged-server.ts'
import { jsonOf, memberAt, succeeded, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import type { RawAnswer } from '../kit/raw-http.ts'

// Approvals count people, and not keys.

const { server, calls } = await openForFile({ time: 'hand', flags: ['--control-rate', '0'] })

before(async () => {
  succeeded(await calls.control('PATCH /settings', { approvalAboveTokens: 0 }), 'settings')
})

type Key = { readonly id: string; readonly header: string }

async function keyOf(owner?: string, role = 'responder', by?: string): Promise<Key> {
  const body = { name: 'a key', role, ...(owner === undefined ? {} : { owner }) }
  const made = succeeded(await calls.control('POST /keys', body, by), `a key of ${owner}`)
  return { id: textAt(made, 'id'), header: `Authorization: Bearer ${textAt(made, 'key')}` }
}

async function ask(by?: string): Promise<string> {
  const target = { source: 'oauth', subject: 'mallory' }
  const asked = await calls.control('POST /approvals', { target, reason: 'r' }, by)
  assert.equal(asked.status, 202, asked.body.toString())
  return textAt(asked, 'id')
}

function approve(id: string, { header }: Key): Promise<RawAnswer> {
  return calls.control(`POST /approvals/${id}/approve`, {}, header)
}

test('nobody approves a request of their own with another key', async () => {
  const [first, second] = [await keyOf('ann@example.com'), await keyOf('ann@example.com', 'admin')]
  const id = await ask(first.header)
  for (const key of [first, second]) assert.equal((await approve(id, key)).status, 403)
  const approved = await approve(id, await keyOf('bob@example.com'))
  assert.equal(textAt(approved, 'state'), 'approved')
  assert.equal(textAt(approved, 'askedByOwner'), 'ann@example.com')
})

test('an owner in another spelling is the same person', async () => {
  const id = await ask((await keyOf('ann.smith-10@example.com')).header)
  for (const owner of [
    'Ann.Smith-10@example.com',
    'annsmith10@example.com',
    'ann_smith.10@EXAMPLE.com',
    'ann.srnith-10@example.com',
    'ann.smith-lO@example.com',
    'ann.smith-i0@exampIe.com',
  ])
    assert.equal((await approve(id, await keyOf(owner))).status, 403, owner)
  assert.equal((await approve(id, await keyOf('ann.smith-2@example.com'))).status, 200)
})

test('an owner that may look like another one is refused', async () => {
  for (const owner of [
    '',
    ' ann',
    'ann smith',
    'аnn',
    'ａｎｎ',
    'ánn',
    'ann\u200b',
    'ann+2@example.com',
    'a'.repeat(129),
  ]) {
    const made = await calls.control('POST /keys', { name: 'k', role: 'viewer', owner })
    assert.equal(made.status, 422, JSON.stringify(owner))
  }
})

test('keys without an owner count together as one person', async () => {
  const id = await ask()
  for (const key of [await keyOf(), await keyOf(undefined, 'admin')]) {
    const refused = await approve(id, key)
    assert.equal(refused.status, 403)
    assert.match(textAt(refused, 'detail'), /keys without an owner count as one/)
  }
  assert.equal((await approve(id, await keyOf('bob'))).status, 200)
})

test('a key that is made anew for the same owner, after the asking one was deleted, approves nothing', async () => {
  const asking = await keyOf('carol')
  const id = await ask(asking.header)
  assert.equal((await calls.control(`DELETE /keys/${asking.id}`)).status, 204)
  assert.equal((await approve(id, await keyOf('carol'))).status, 403)
  assert.equal((await approve(id, await keyOf('dave'))).status, 200)
})

test('a request that a node of an earlier version wrote counts the owner of its key', async () => {
  const asking = await keyOf('ken')
  const id = await ask(asking.header)
  const [realm, collection] = [realmOrdinal(1), 'approvals']
  const record = (await server.store.record(realm, collection, id)) ?? assert.fail()
  const { askedByOwner, ...older } = JSON.parse(record.body ?? '') as Readonly<Record<string, unknown>>
  assert.equal(askedByOwner, 'ken')
  const body = JSON.stringify(older)
  const put = { collection, id, fromVersion: record.version, body, keys: [] }
  await write(server.store, [{ kind: 'put-record', record: put }], realm)
  assert.equal((await approve(id, await keyOf('ken'))).status, 403)
  assert.equal((await approve(id, await keyOf('liz'))).status, 200)
})

test('a scheduled revocation that became too large needs another person than the one who scheduled it', async () => {
  const free = { approvalAboveTokens: 1_000 }
  const asked = await calls.control('PATCH /settings', free)
  assert.equal((await approve(textAt(asked, 'id'), await keyOf('erin', 'admin'))).status, 200)
  const at = new Date(server.clock.wallMs() + 60_000).toISOString()
  const body = { target: { source: 'oauth', subject: 'mallory' }, reason: 'r', at }
  const asking = await keyOf('erin')
  succeeded(await calls.control('POST /revocations/scheduled', body, asking.header), 'schedule')
  await calls.oauthGrant('mallory')
  succeeded(await calls.control('PATCH /settings', { approvalAboveTokens: 0 }), 'settings')
  server.clock.advance(61_000)
  await server.maintenance.tick()
  const { approvals } = jsonOf(await calls.control('GET /approvals')) as {
    readonly approvals: readonly { readonly id: string; readonly askedByOwner?: string }[]
  }
  const [request] = approvals
  assert.equal(request?.askedByOwner, 'erin')
  assert.equal((await approve(request?.id ?? '', await keyOf('erin'))).status, 403)
  assert.equal((await approve(request?.id ?? '', await keyOf('frank'))).status, 200)
})

test('the audit says for whom a key was made, and whose key did what', async () => {
  const admin = await keyOf('grace', 'admin')
  await keyOf('second.grace', 'responder', admin.header)
  const { seq } = await server.store.head(realmOrdinal(0))
  const [row] = await server.store.chainedRowsAfter(realmOrdinal(0), seq - 1, 1)
  const { by, byOwner, cause } = JSON.parse(row?.audit ?? '{}') as Readonly<Record<string, unknown>>
  assert.equal(by, `control:${admin.id}`)
  assert.equal(byOwner, 'grace')
  assert.deepEqual(cause, { code: 'key', role: 'responder', owner: 'second.grace' })
  const { access } = await calls.oauthGrant('heidi')
  const hold = { target: { token: access }, reason: 'r', seconds: 60, atDeadline: 'release' }
  succeeded(await calls.control('POST /holds', hold, admin.header), 'hold')
  const [held] = memberAt(await calls.control('GET /audit?limit=1'), 'rows') as readonly {
    readonly audit: Readonly<Record<string, unknown>>
  }[]
  assert.equal(held?.audit['byOwner'], 'grace')
})

test('no call changes the owner of a key', async () => {
  const { id } = await keyOf('ivan')
  for (const method of ['PATCH', 'PUT', 'POST'])
    assert.equal((await calls.control(`${method} /keys/${id}`, { owner: 'judy' })).status, 405)
  assert.equal(textAt(await calls.control(`GET /keys/${id}`), 'owner'), 'ivan')
})
