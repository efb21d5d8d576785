import assert from 'node:assert/strict'
import { test } from 'node:test'
import { putRecord } from '@rescind/authority'
import { type PageTable, tableUnder as pageTable } from '../../../test/kit/page-table.ts'
import { type Ask, bodyJson } from '../../../test/kit/request.ts'
import { neverIssued } from '../../../test/kit/world-identity.ts'
import { logIn, openV3, send, subjectToken, type V3World } from '../../../test/kit/world-identity-v3.ts'
import { IDENTITY_ROLES } from '../directory/roles.ts'

const tableUnder = (heading: string): PageTable => pageTable('identity-authority-v3.md', heading)

const CALLERS = tableUnder('Callers').rows.map(([name = '']) => name)

async function openMatrix(): Promise<V3World> {
  const world = await openV3()
  const value = { id: 'painter', name: 'painter-name', description: '' }
  const put = { collection: IDENTITY_ROLES, id: 'painter', value, fromVersion: 0 }
  const audit = { by: 'test', from: 'local', how: 'test.seed' }
  const { realm } = world
  await realm.commit({
    realm: realm.ordinal,
    dependsOn: [],
    expects: [],
    operations: putRecord(realm, put, audit),
  })
  return world
}

const OWNERS: Readonly<Record<string, string>> = { team: 'pol', blue: 'kim', boss: 'boss', default: 'eva' }

/** A new token for a column of the table. */
async function subject(world: V3World, column: string, caller: string): Promise<string | undefined> {
  switch (column) {
    case 'own':
      return world.enter(caller)
    case 'never':
      return neverIssued(world.realm)
    case 'none':
      return undefined
    case 'dead': {
      const token = await world.enter('pol')
      const ended = await world.ask(send('DELETE', '/v3/auth/tokens', { as: token, about: token }))
      assert.equal(ended.status, 204)
      return token
    }
    default:
      return world.enter(OWNERS[column] ?? '')
  }
}

const TOKENS = tableUnder('Tokens')

test('callers validate and revoke exactly the tokens that the page says', async () => {
  const world = await openMatrix()
  assert.equal(TOKENS.rows.length, CALLERS.length * 2)
  for (const [caller = '', act = '', ...cells] of TOKENS.rows) {
    for (const [at, column] of TOKENS.columns.slice(2).entries()) {
      const what = `${caller} ${act} ${column}`
      const as = await world.enter(caller)
      const about = await subject(world, column, caller)
      const asked = about === undefined ? { as } : { as, about }
      if (act === 'validate') {
        const get = await world.ask(send('GET', '/v3/auth/tokens', asked))
        assert.equal(String(get.status), cells[at], what)
        const head = await world.ask(send('HEAD', '/v3/auth/tokens', asked))
        assert.equal(head.status, get.status, what)
        continue
      }
      const wasLive = about === undefined ? false : await isLive(world, about)
      const ended = await world.ask(send('DELETE', '/v3/auth/tokens', asked))
      assert.equal(String(ended.status), cells[at], what)
      if (about !== undefined) assert.equal(await isLive(world, about), wasLive && ended.status !== 204, what)
    }
  }
})

test('[W22] dead, unknown, foreign and missing tokens get the same answer, byte for byte, if the caller may not see them', async () => {
  const world = await openMatrix()
  for (const [caller = '', act = '', ...cells] of TOKENS.rows) {
    const bodies = new Set<unknown>()
    for (const [at, column] of TOKENS.columns.slice(2).entries()) {
      if (cells[at] !== '404' && cells[at] !== '403') continue
      const as = await world.enter(caller)
      const about = await subject(world, column, caller)
      const method = act === 'validate' ? 'GET' : 'DELETE'
      const answer = await world.ask(
        send(method, '/v3/auth/tokens', about === undefined ? { as } : { as, about }),
      )
      const { 'x-openstack-request-id': _, ...headers } = answer.headers
      bodies.add(JSON.stringify([answer.status, headers, answer.body]))
    }
    assert.equal(bodies.size, 1, `${caller} ${act}`)
  }
})

test('[W22] a caller without power over tokens gets 403 for everything but its own live tokens', async () => {
  const world = await openMatrix()
  const restricted = await world.enter('pia')
  for (const caller of ['pia', 'idle']) {
    const as = await world.enter(caller)
    const ownDead = await world.enter(caller)
    assert.equal(
      (await world.ask(send('DELETE', '/v3/auth/tokens', { as: ownDead, about: ownDead }))).status,
      204,
    )
    const expired = { query: 'allow_expired=1' }
    for (const about of [
      ownDead,
      restricted,
      `${ownDead}x`,
      ownDead.slice(0, -1),
      'x',
      '',
      'a'.repeat(9_000),
    ])
      for (const [method, more] of [
        ['GET', {}],
        ['HEAD', {}],
        ['GET', expired],
        ['DELETE', {}],
      ] as const) {
        if (caller === 'pia' && about === restricted) continue
        const { status } = await world.ask(send(method, '/v3/auth/tokens', { as, about, ...more }))
        assert.equal(status, 403, `${caller}: ${method} ${about.slice(0, 8)}`)
      }
  }
})

async function isLive(world: V3World, token: string): Promise<boolean> {
  const chief = await world.enter('chief')
  const answer = await world.ask(send('GET', '/v3/auth/tokens', { as: chief, about: token }))
  return answer.status === 200
}

const BODIES: readonly (readonly [RegExp, (world: number) => unknown])[] = [
  [/^POST \/v3\/users in default$/, (at) => ({ user: { name: `new-${at}`, domain_id: 'default' } })],
  [/^POST \/v3\/users$/, (at) => ({ user: { name: `new-${at}`, domain_id: 'blue' } })],
  [/^POST .*application_credentials$/, () => ({ application_credential: { name: 'ci' } })],
  [/^POST \/v3\/projects$/, (at) => ({ project: { name: `new-${at}`, domain_id: 'blue' } })],
  [/^POST \/v3\/domains$/, (at) => ({ domain: { name: `new-${at}` } })],
  [/^POST \/v3\/roles$/, (at) => ({ role: { name: `new-${at}` } })],
  [/^PATCH \/v3\/users\//, () => ({ user: { description: 'changed' } })],
  [/^PATCH \/v3\/projects\//, () => ({ project: { description: 'changed' } })],
  [/^PATCH \/v3\/domains\//, () => ({ domain: { description: 'changed' } })],
  [/^PATCH \/v3\/roles\//, () => ({ role: { description: 'changed' } })],
]

function callOf(line: string, as: string | undefined, caller: string): Ask {
  const words = line.replaceAll('`', '')
  const [method = '', target = ''] = words.split(' ')
  const [path = '', query] = target.replaceAll('self', caller).split('?')
  const body = BODIES.find(([pattern]) => pattern.test(words))?.[1](1)
  return send(method, path, {
    ...(as === undefined ? {} : { as }),
    ...(query === undefined ? {} : { query }),
    ...(body === undefined ? {} : { body }),
  })
}

const DIRECTORY = tableUnder('The directory')

test('callers may change the directory exactly as the page says', async () => {
  assert.deepEqual(DIRECTORY.columns.slice(1), CALLERS)
  assert.ok(DIRECTORY.rows.length > 50)
  let world = await openMatrix()
  for (const [call = '', ...cells] of DIRECTORY.rows) {
    for (const [at, caller] of CALLERS.entries()) {
      const as = await world.enter(caller)
      const before = world.realm.position()
      const answer = await world.ask(callOf(call, as, caller))
      assert.equal(String(answer.status), cells[at], `${caller}: ${call} ${String(answer.body)}`)
      if (answer.status >= 400)
        assert.equal(world.realm.position(), before, `${caller}: ${call} was refused, and written`)
      // After a write, start with a fresh world.
      if (world.realm.position() !== before) world = await openMatrix()
    }
  }
})

test('without a live token every call is 401', async () => {
  const world = await openMatrix()
  const dead = await world.enter('chief')
  await world.ask(send('DELETE', '/v3/auth/tokens', { as: dead, about: dead }))
  for (const [call = ''] of DIRECTORY.rows.filter(([line = '']) => !line.includes('OS-PKI'))) {
    for (const as of [undefined, '', 'nonsense', neverIssued(world.realm), dead]) {
      const answer = await world.ask(callOf(call, as, 'pol'))
      assert.equal(answer.status, 401, `${call} as ${String(as)}`)
      assert.match(answer.headers['www-authenticate'] ?? '', /^Keystone uri="/)
    }
  }
})

/** Members of bodies that Keystone (bug 2148398) and others have trusted over their own data. */
const HOSTILE = {
  target: { user: { id: 'pia', domain_id: 'blue' }, token: { user_id: 'pia' } },
  user_id: 'pia',
  token: { user_id: 'pia', roles: [{ name: 'admin' }] },
  is_admin: true,
  is_admin_project: true,
  system_scope: 'all',
  system: { all: true },
  roles: [{ name: 'admin' }],
  constructor: { is_admin: true },
}

test('[C17] members of a body or a query about the caller change nothing', async () => {
  const world = await openMatrix()
  const query = 'user_id=pia&target.user.id=pia&is_admin=1&system_scope=all&roles=admin'
  for (const caller of ['pia', 'governor']) {
    for (const [call = '', ...cells] of DIRECTORY.rows) {
      const cell = cells[CALLERS.indexOf(caller)] ?? ''
      if (!cell.startsWith('4')) continue
      const ask = callOf(call, await world.enter(caller), caller)
      const given = ask.body === undefined ? {} : (JSON.parse(String(ask.body)) as Record<string, object>)
      const inner = Object.fromEntries(
        Object.entries(given).map(([name, one]) => [name, { ...HOSTILE, ...one }]),
      )
      const body = JSON.stringify({ ...HOSTILE, ...inner })
      const headers = { ...ask.headers, 'content-type': 'application/json' }
      const both = [query, ask.query].filter((one) => one !== undefined).join('&')
      const before = world.realm.position()
      const answer = await world.ask({ ...ask, headers, body, query: both })
      assert.equal(String(answer.status), cell, `${caller}: ${call} ${String(answer.body)}`)
      assert.equal(world.realm.position(), before)
    }
  }
})

test('a token of an application credential has no more power than its roles', async () => {
  const world = await openMatrix()
  const { ask, enter } = world
  const boss = await enter('boss')
  const make = (roles: readonly object[]): ReturnType<typeof ask> => {
    const given = { application_credential: { name: `ci-${roles.length}`, roles, unrestricted: false } }
    return ask(send('POST', '/v3/users/boss/application_credentials', { as: boss, body: given }))
  }
  await ask(send('PUT', '/v3/projects/team/users/boss/roles/member', { as: await enter('chief') }))
  const statuses = []
  for (const roles of [[{ name: 'member' }], [{ name: 'member' }, { id: '1' }]]) {
    const made = await make(roles)
    type Made = { application_credential: { id: string; secret: string } }
    const { id, secret } = ((await bodyJson(made)) as Made).application_credential
    const identity = { methods: ['application_credential'], application_credential: { id, secret } }
    const token = await subjectToken(await ask(logIn(identity)))
    statuses.push((await ask(send('GET', '/v3/users', { as: token }))).status)
    const more = { as: token, body: { application_credential: { name: 'more' } } }
    statuses.push((await ask(send('POST', '/v3/users/boss/application_credentials', more))).status)
    statuses.push(
      (await ask(send('DELETE', `/v3/users/boss/application_credentials/${id}`, { as: token }))).status,
    )
  }
  assert.deepEqual(statuses, [403, 403, 403, 200, 403, 403])
})
