import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { realmOrdinal } from '@rescind/core'
import { write } from '../kit/aged-server.ts'
import { API_KEY, jsonOf, memberAt, succeeded, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { ANN, BOB, CHAT, EVE, SEED } from '../kit/seed.ts'

/** Operators read, disable and end Identity users and chat clients by their own keys, without an administrator's password. */

const { server, calls } = await openForFile({
  time: 'hand',
  seed: { realms: [...SEED.realms, { name: 'branch' }] },
  flags: ['--control-rate', '0', '--identity-rate', '0'],
})
const keys = new Map<string, string>()

before(async () => {
  for (const role of ['viewer', 'responder', 'admin'])
    keys.set(role, textAt(await calls.control('POST /keys', { name: role, role, owner: `a-${role}` }), 'key'))
  const elsewhere = { name: 'elsewhere', role: 'admin', realm: 'branch' }
  keys.set('elsewhere', textAt(await calls.control('POST /keys', elsewhere), 'key'))
})

function as(role: string, line: string, body?: unknown): Promise<RawAnswer> {
  return calls.control(line, body, `Authorization: Bearer ${keys.get(role)}`)
}

async function done(role: string, line: string, body?: unknown): Promise<RawAnswer> {
  return succeeded(await as(role, line, body), line)
}

async function verdict(token: string): Promise<string> {
  return textAt(await calls.control('POST /verify', { token }), 'verdict', 'kind')
}

async function logsIn({ username, password }: typeof BOB): Promise<boolean> {
  const auth = { passwordCredentials: { username, password } }
  return (await calls.json('POST /v2.0/tokens', { auth }, [])).status === 200
}

async function keyLogsIn(): Promise<boolean> {
  const auth = { 'RAX-KSKEY:apiKeyCredentials': { username: ANN.username, apiKey: ANN.apiKey } }
  return (await calls.json('POST /v2.0/tokens', { auth }, [])).status === 200
}

test('users are listed page by page, and by name, e-mail address, domain and account; nothing secret is shown', async () => {
  const first = await done('viewer', 'GET /identity-users?limit=3')
  const { users, next } = jsonOf(first) as { users: { id: string }[]; next: string }
  const rest = await done('viewer', `GET /identity-users?limit=3&cursor=${next}`)
  const all = [...users, ...(jsonOf(rest) as { users: { id: string }[] }).users].map(({ id }) => id)
  assert.deepEqual(all, ['1', '77', '78', '99'])
  assert.ok(!/[Hh]ash|[Dd]igest|[Ss]ealed/.test(first.body.toString()))
  for (const [query, ids] of [
    ['name=ANN', ['77']],
    ['name=nobody', []],
    [`account=${ANN.tenant}`, ['77', '78']],
    ['domain=default', ['1', '77', '78', '99']],
    ['email=ann%40example.org', []],
  ] as const) {
    const found = (
      jsonOf(await done('viewer', `GET /identity-users?${query}`)) as typeof jsonOf & {
        users: { id: string }[]
      }
    ).users
    assert.deepEqual(
      found.map(({ id }) => id),
      ids,
      query,
    )
  }
  assert.equal((await as('viewer', 'GET /identity-users?name=a&email=b')).status, 422)
})

test('a user that an earlier version wrote is listed by its name in any case, too', async () => {
  const [realm, collection, id] = [realmOrdinal(1), 'identityUsers', EVE.id]
  const record = (await server.store.record(realm, collection, id)) ?? assert.fail()
  const keys = [{ name: 'username', value: EVE.username }]
  const lists = [{ name: 'domain', value: 'default' }]
  const put = { collection, id, fromVersion: record.version, body: record.body ?? '', keys, lists }
  await write(server.store, [{ kind: 'put-record', record: put }], realm)
  const found = await done('viewer', `GET /identity-users?name=${EVE.username.toUpperCase()}`)
  assert.deepEqual(
    (memberAt(found, 'users') as readonly { readonly id: string }[]).map((one) => one.id),
    [id],
  )
})

test('one user is shown with its roles, and whether it has a password, a key and second factors', async () => {
  const {
    id: _id,
    roles,
    ...user
  } = jsonOf(await done('viewer', 'GET /identity-users/77')) as {
    id: string
    roles: { name: string }[]
  }
  assert.deepEqual(
    roles.map(({ name }) => name),
    ['identity:user-admin'],
  )
  assert.deepEqual(user, {
    ...{ username: 'ann', enabled: true, state: 'live', domain: 'default' },
    ...{ account: ANN.tenant, tenant: ANN.tenant, hasPassword: true, hasApiKey: true },
    secondFactor: { enabled: false, enforcement: 'DEFAULT', otpDevices: 0, phones: 0 },
  })
  assert.equal((await as('viewer', 'GET /identity-users/none')).status, 404)
  assert.equal((await as('elsewhere', 'GET /identity-users/77')).status, 404)
})

test('a responder disables a user, which ends its tokens; only an admin lets it in again', async () => {
  const token = await calls.identityToken(BOB)
  const line = `PATCH /identity-users/${BOB.id}`
  assert.equal((await as('viewer', line, { enabled: false })).status, 403)
  const off = await done('responder', line, { enabled: false, reason: 'stolen laptop' })
  assert.deepEqual([memberAt(off, 'enabled'), memberAt(off, 'state')], [false, 'disabled'])
  assert.equal(await verdict(token), 'inactive')
  assert.equal(await logsIn(BOB), false)
  const [row] = memberAt(await calls.control('GET /audit?limit=1'), 'rows') as { audit: object }[]
  assert.match(JSON.stringify(row?.audit), /control.changeIdentityUser.*stolen laptop/)
  assert.equal((await as('responder', line, { enabled: true })).status, 403)
  assert.equal(memberAt(await done('responder', line, { enabled: false }), 'enabled'), false)
  const on = await done('admin', line, { enabled: true })
  assert.equal(memberAt(on, 'state'), 'live')
  assert.equal(await logsIn(BOB), true)
  assert.equal(await verdict(token), 'inactive')
  const stale = [`Authorization: Bearer ${keys.get('admin')}`, 'If-Match: "1"']
  assert.equal((await calls.control(line, { enabled: false }, stale)).status, 412)
})

test('ending a user takes tokens and keys along, and password and second factors on request, in one write', async () => {
  const token = await calls.identityToken(ANN)
  const line = `POST /identity-users/${ANN.id}/end`
  assert.equal((await as('viewer', line, { reason: 'r' })).status, 403)
  assert.equal((await as('responder', line, { reason: 'r', secondFactors: true })).status, 422)
  assert.equal((await as('responder', 'POST /identity-users/none/end', { reason: 'r' })).status, 404)
  const preview = await done('responder', line, { reason: 'r', password: true, dryRun: true })
  assert.deepEqual(memberAt(preview, 'alsoEnds'), ['password'])
  assert.deepEqual([memberAt(preview, 'tokens'), memberAt(preview, 'credentials')], [1, 1])
  assert.equal(await verdict(token), 'active')

  const receipt = await done('responder', line, { reason: 'stolen', ifPreview: textAt(preview, 'digest') })
  assert.equal(receipt.status, 201)
  assert.deepEqual(memberAt(receipt, 'covers', 'subject'), ANN.id)
  assert.equal(await verdict(token), 'inactive')
  assert.deepEqual([await keyLogsIn(), await logsIn(ANN)], [false, true])

  const again = await done('responder', line, { reason: 'stolen', password: true, secondFactors: true })
  assert.equal(await logsIn(ANN), false)
  const id = textAt(again, 'id')
  const receipts = memberAt(await calls.control('GET /revocations?subject=77'), 'revocations') as {
    id: string
  }[]
  assert.equal(receipts.filter((one) => one.id === id).length, 1)
  assert.equal(receipts.length, 2, 'the password brings no second row over the same user')
  assert.equal(memberAt(await done('viewer', 'GET /identity-users/77'), 'hasPassword'), false)
})

test('ending more than one person may end waits for a second one, with the password', async () => {
  await calls.identityToken(EVE)
  succeeded(await calls.control('PATCH /settings', { approvalAboveTokens: 0 }), 'settings')
  assert.equal((await as('responder', `PATCH /identity-users/${EVE.id}`, { enabled: false })).status, 409)
  const line = `POST /identity-users/${EVE.id}/end`
  const asked = await done('responder', line, { reason: 'r', password: true })
  assert.equal(asked.status, 202)
  assert.deepEqual(memberAt(asked, 'alsoEnds'), ['password'])
  assert.equal(await logsIn(EVE), true)
  await done('admin', `POST /approvals/${textAt(asked, 'id')}/approve`, {})
  assert.equal(await logsIn(EVE), false)
  assert.equal(memberAt(await done('viewer', `GET /identity-users/${EVE.id}`), 'hasPassword'), false)
  // Exactly these targets were approved, so disabling the user may go on.
  await done('responder', `PATCH /identity-users/${EVE.id}`, { enabled: false })
  const off = await as('admin', 'PATCH /settings', { approvalAboveTokens: null })
  assert.ok(off.status === 200 || off.status === 202)
  if (off.status === 202)
    succeeded(await calls.control(`POST /approvals/${textAt(off, 'id')}/approve`, {}), 'settings')
})

test('a call that is sent again with its Idempotency-Key ends a user once', async () => {
  const line = `POST /identity-users/${BOB.id}/end`
  const headers = [`Authorization: Bearer ${keys.get('responder')}`, 'Idempotency-Key: once']
  const [one, two] = [
    await calls.control(line, { reason: 'r' }, headers),
    await calls.control(line, { reason: 'r' }, headers),
  ]
  assert.deepEqual([one.status, two.status], [201, 201])
  assert.equal(textAt(one, 'id'), textAt(two, 'id'))
})

test('chat clients are listed, read and ended by operators, and a hold shows', async () => {
  for (const _id of ['cli/1', 'cli-2']) {
    const put = { _id, nickname: 'Zoë', secretMember: 'for the app alone', issueAccessToken: true }
    succeeded(await calls.json('POST /admin/clients', put, API_KEY), 'a client')
  }
  const token = await calls.chatToken('cli-2')
  const path = `/chat-apps/${CHAT.app}/clients`
  const list = await done('viewer', `GET ${path}?limit=1`)
  const { clients, next } = jsonOf(list) as { clients: { id: string }[]; next: string }
  const rest = jsonOf(await done('viewer', `GET ${path}?cursor=${next}`)) as { clients: { id: string }[] }
  assert.deepEqual(
    [...clients, ...rest.clients].map(({ id }) => id),
    ['cli-2', 'cli/1'],
  )
  assert.ok(!list.body.toString().includes('for the app alone'))
  const named = jsonOf(await done('viewer', `GET ${path}?nickname=zo%C3%AB`)) as { clients: object[] }
  assert.equal(named.clients.length, 2)
  assert.equal((await as('viewer', 'GET /chat-apps/none/clients')).status, 404)
  const empty = jsonOf(await done('viewer', 'GET /chat-apps/rival/clients'))
  assert.deepEqual(empty, { clients: [] })

  const one = await done('viewer', `GET ${path}/cli%2F1`)
  assert.deepEqual(memberAt(one, 'tokens'), { count: 1, complete: true })
  assert.equal((await as('viewer', `GET ${path}/none`)).status, 404)
  assert.equal((await as('elsewhere', `GET ${path}/cli-2`)).status, 404)

  const target = { source: `chat/${CHAT.app}`, client: 'cli-2' }
  const hold = { target, reason: 'r', seconds: 60, atDeadline: 'release' }
  const held = textAt(await done('responder', 'POST /holds', hold), 'id')
  assert.equal(memberAt(await done('viewer', `GET ${path}/cli-2`), 'state'), 'held')
  await done('responder', `POST /holds/${held}/release`, {})

  assert.equal((await as('viewer', `POST ${path}/cli-2/end`, { reason: 'r' })).status, 403)
  const preview = await done('responder', `POST ${path}/cli-2/end`, { reason: 'r', dryRun: true })
  assert.equal(memberAt(preview, 'tokens'), 2)
  const receipt = await done('responder', `POST ${path}/cli-2/end`, { reason: 'leak' })
  assert.deepEqual(memberAt(receipt, 'covers', 'client'), 'cli-2')
  assert.equal(await verdict(token), 'inactive')
  assert.deepEqual(memberAt(await done('viewer', `GET ${path}/cli-2`), 'tokens'), {
    count: 0,
    complete: true,
  })
  assert.equal((await as('responder', `POST ${path}/none/end`, { reason: 'r' })).status, 404)
})
