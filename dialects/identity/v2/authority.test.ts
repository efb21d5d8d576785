import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Answer } from '@rescind/dialects'
import { type PageTable, tableUnder as pageTable } from '../../../test/kit/page-table.ts'
import type { Ask } from '../../../test/kit/request.ts'
import { as, type IdentityWorld, neverIssued, openIdentity, send } from '../../../test/kit/world-identity.ts'

const tableUnder = (heading: string): PageTable => pageTable('identity-authority.md', heading)

const CALLERS = tableUnder('Callers').rows.map(([name = '']) => name)

/** Users for the columns; none of them is the caller. */
const OWNERS: Readonly<Record<string, string>> = {
  default: 'bob',
  manager: 'manager2',
  admin: 'owner',
  foreign: 'eve',
  resident: 'resident',
}

function ownerOf(column: string, caller: string): string {
  const [kind = ''] = column.split(' dead')
  if (kind === 'resident' && caller === kind) return 'root'
  if (kind === 'operator') return caller === 'svc' ? 'root' : 'svc'
  return OWNERS[kind] ?? caller
}

async function tokenFor(world: IdentityWorld, column: string, caller: string): Promise<string> {
  if (column === 'never') return neverIssued(world.realm)
  const token = await world.login(ownerOf(column, caller))
  if (!column.endsWith('dead')) return token
  assert.equal((await world.ask(as(token, 'DELETE', '/v2.0/tokens'))).status, 204)
  return token
}

type Act = (caller: string, id: string) => Ask

const subject =
  (method: string, path: string): Act =>
  (caller, id) => ({ method, path, headers: { 'x-auth-token': caller, 'x-subject-token': id } })

/** Every route and alias of an act. */
const ACTS: Readonly<Record<string, Readonly<Record<string, Act>>>> = {
  validate: {
    GET: (caller, id) => as(caller, 'GET', `/v2.0/tokens/${id}`),
    HEAD: (caller, id) => as(caller, 'HEAD', `/v2.0/tokens/${id}`),
    'GET in XML': (caller, id) => as(caller, 'GET', `/v2.0/tokens/${id}.xml`),
    'GET in JSON': (caller, id) => as(caller, 'GET', `/v2.0/tokens/${id}.json`),
    endpoints: (caller, id) => as(caller, 'GET', `/v2.0/tokens/${id}/endpoints`),
    'OS-KSVALIDATE GET': subject('GET', '/v2.0/OS-KSVALIDATE/token/validate'),
    'OS-KSVALIDATE HEAD': subject('HEAD', '/v2.0/OS-KSVALIDATE/token/validate'),
    'OS-KSVALIDATE endpoints': subject('GET', '/v2.0/OS-KSVALIDATE/token/endpoints'),
  },
  revoke: {
    'by path': (caller, id) => as(caller, 'DELETE', `/v2.0/tokens/${id}`),
    'by query': (caller, id) => as(caller, 'DELETE', '/v2.0/tokens', `tokenId=${id}`),
    'by path, with a suffix': (caller, id) => as(caller, 'DELETE', `/v2.0/tokens/${id}.json`),
    'by path, slash behind': (caller, id) => as(caller, 'DELETE', `/v2.0/tokens/${id}/`),
  },
}

const TOKENS = tableUnder('Tokens')

test('the table of tokens covers every caller and act', () => {
  assert.deepEqual(
    TOKENS.rows.map(([caller, act]) => `${caller} ${act}`),
    CALLERS.flatMap((caller) => Object.keys(ACTS).map((act) => `${caller} ${act}`)),
  )
})

for (const [name = '', act = '', ...cells] of TOKENS.rows)
  test(`[B15] [C03] [C11] ${name}: ${act} of every kind of token, by every way there is`, async () => {
    const world = await openIdentity()
    for (const [way, ask] of Object.entries(ACTS[act] ?? assert.fail(act)))
      for (const [at, column] of TOKENS.columns.slice(2).entries()) {
        const caller = await world.login(name)
        const id = await tokenFor(world, column, name)
        const before = await world.store.head(world.realm.ordinal)
        const answer = await world.ask(ask(caller, id))
        assert.equal(String(answer.status), cells[at], `${way}, ${column}: ${String(answer.body)}`)
        // C14: a refused call has no effect.
        if (answer.status !== 204) assert.deepEqual(await world.store.head(world.realm.ordinal), before)
      }
  })

const USERS = tableUnder('Users')
const BODY = { user: { email: 'x@example.org' } }

const USER_ACTS: Readonly<Record<string, readonly ((caller: string, id: string) => Ask)[]>> = {
  read: [
    (caller, id) => as(caller, 'GET', `/v2.0/users/${id}`),
    (caller, id) => as(caller, 'GET', `/v2.0/users/${id}/roles`),
    (caller, id) => as(caller, 'GET', `/v2.0/users/${id}/RAX-AUTH/admins`),
    (caller, id) => as(caller, 'GET', `/v2.0/users/${id}/OS-KSADM/credentials`),
    (caller, id) => as(caller, 'GET', `/v2.0/users/${id}/OS-KSADM/credentials/RAX-KSKEY:apiKeyCredentials`),
    (caller, id) => as(caller, 'GET', `/v2.0/users/${id}/RAX-AUTH/multi-factor/otp-devices`),
    (caller, id) => as(caller, 'GET', `/v2.0/tenants/900100/users/${id}/roles`),
    (caller, id) => send(caller, 'POST', `/v2.0/users/${id}`, BODY),
    (caller, id) => send(caller, 'PUT', `/v2.0/users/${id}`, BODY),
    (caller, id) =>
      send(
        caller,
        'POST',
        `/v2.0/users/${id}/OS-KSADM/credentials/RAX-KSKEY:apiKeyCredentials/RAX-AUTH/reset`,
      ),
  ],
  manage: [
    (caller, id) => as(caller, 'DELETE', `/v2.0/users/${id}/roles/OS-KSADM/nothing`),
    (caller, id) => as(caller, 'DELETE', `/v2.0/users/${id}`),
  ],
}

for (const [name = '', act = '', ...cells] of USERS.rows)
  test(`${name}: ${act} every kind of user, by every way there is`, async () => {
    let world = await openIdentity()
    for (const [at, column] of USERS.columns.slice(2).entries())
      for (const ask of USER_ACTS[act] ?? assert.fail(act)) {
        const id = column === 'nobody' ? 'nobody' : `id-${ownerOf(column, name)}`
        const given = ask(await world.login(name), id)
        const before = world.realm.position()
        const { status } = await world.ask(given)
        // A role that does not exist is 404 for callers who may take it; user-manage may take none.
        const isRole = given.path.endsWith('/nothing')
        const yes = isRole ? (name === 'manager' ? [403] : [404]) : [200, 204]
        const expected = cells[at] === 'yes' ? yes : [Number(cells[at])]
        assert.ok(
          expected.includes(status),
          `${given.method} ${given.path}: ${status}, not ${cells[at] ?? ''}`,
        )
        // After a write, start with a fresh world.
        if (world.realm.position() !== before) world = await openIdentity()
      }
  })

const LISTS = tableUnder('Lists')
const LIST_PATHS: Readonly<Record<string, string>> = {
  users: '/v2.0/users',
  tenants: '/v2.0/tenants',
  roles: '/v2.0/OS-KSADM/roles',
  services: '/v2.0/OS-KSADM/services',
  'revoked ids': '/v2.0/tokens/revoked',
}

for (const [name = '', ...cells] of LISTS.rows)
  test(`${name}: every list`, async () => {
    const world = await openIdentity()
    const caller = await world.login(name)
    for (const [at, column] of LISTS.columns.slice(1).entries()) {
      const path = LIST_PATHS[column] ?? assert.fail(column)
      for (const suffix of ['', '.json', '.xml'])
        assert.equal(String((await world.ask(as(caller, 'GET', path + suffix))).status), cells[at], path)
    }
  })

const WAYS = Object.values(ACTS).flatMap((ways) => Object.entries(ways))

test('a caller without rights gets one answer for unknown, foreign, dead, live and malformed ids', async () => {
  const world = await openIdentity()
  for (const name of ['ann', 'manager', 'owner']) {
    const caller = await world.login(name)
    const columns = ['foreign', 'foreign dead', 'operator', 'operator dead', 'never']
    const own = name === 'ann' ? ['default', 'default dead', 'manager', 'admin'] : []
    const answers = new Set<string>()
    for (const column of [...columns, ...own]) {
      const id = await tokenFor(world, column, name)
      for (const [way, ask] of WAYS)
        if (!way.includes('XML')) answers.add(JSON.stringify(await world.ask(ask(caller, id))))
    }
    for (const [way, ask] of WAYS)
      if (!way.includes('XML'))
        answers.add(JSON.stringify(await world.ask(ask(caller, 'f00dfacef00dfacef00dface'))))
    assert.equal(answers.size, 1)
    assert.equal((JSON.parse([...answers][0] ?? '') as Answer).status, 403)
  }
})

test('an operator gets one answer for unknown, expired, revoked and malformed ids', async () => {
  const world = await openIdentity({ tokenLifeSeconds: 60 })
  const [expired, revoked] = [await world.login('ann'), await world.login('bob')]
  await world.ask(as(revoked, 'DELETE', '/v2.0/tokens'))
  world.clock.advance(60_000)
  const caller = await world.login('root')
  const answers = new Set<string>()
  for (const id of [expired, revoked, neverIssued(world.realm), 'x', `${revoked}x`, revoked.slice(0, -1)])
    for (const [way, ask] of WAYS)
      if (!way.includes('XML')) answers.add(JSON.stringify(await world.ask(ask(caller, id))))
  assert.deepEqual(
    [...answers].map((answer) => (JSON.parse(answer) as Answer).status),
    [404],
  )
})

test('[C14] a refused revoke changes nothing: the token lives and the log is as it was', async () => {
  const world = await openIdentity()
  const [ann, bob, eve] = [await world.login('ann'), await world.login('bob'), await world.login('eve')]
  const before = await world.store.head(world.realm.ordinal)
  for (const id of [bob, eve])
    assert.equal((await world.ask(as(ann, 'DELETE', `/v2.0/tokens/${id}`))).status, 403)
  assert.deepEqual(await world.store.head(world.realm.ordinal), before)
  for (const id of [ann, bob, eve])
    assert.equal((await world.ask(as(id, 'GET', `/v2.0/tokens/${id}`))).status, 200)
})
