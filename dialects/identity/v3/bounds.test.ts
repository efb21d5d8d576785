import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Collection, type Operation, putRecord, type Realm } from '@rescind/authority'
import type { Answer } from '@rescind/dialects'
import { bodyJson, bodyText } from '../../../test/kit/request.ts'
import { changeUser } from '../../../test/kit/world-identity.ts'
import { byPassword, openV3, send, tokenIn, type V3World } from '../../../test/kit/world-identity-v3.ts'
import { IDENTITY_APP_CREDENTIALS } from '../directory/app-credentials.ts'
import { IDENTITY_ENDPOINTS, IDENTITY_SERVICES } from '../directory/catalog.ts'
import { CATALOG_MAX } from '../directory/catalog-records.ts'
import { identityUserValue } from '../directory/directory.ts'
import { GRANTS_MAX } from '../directory/grants.ts'
import { IDENTITY_USERS } from '../directory/users.ts'
import { PAGE_MAX } from './paging.ts'
import { EVENTS_MAX } from './tokens/events.ts'
import { APP_CREDENTIALS_MAX } from './users/app-credentials.ts'

const AUDIT = { by: 'test', from: 'local', how: 'test.seed' }

/** Writes many records at once, bypassing the calls. */
async function putMany<T>(
  realm: Realm,
  collection: Collection<T>,
  values: readonly (T & { readonly id: string })[],
): Promise<void> {
  for (let at = 0; at < values.length; at += 500) {
    const operations: Operation[] = values
      .slice(at, at + 500)
      .flatMap((value) => putRecord(realm, { collection, id: value.id, value, fromVersion: 0 }, AUDIT))
    await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  }
}

const numbered = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => String(at).padStart(5, '0'))

type Listed = {
  readonly users: readonly { readonly id: string }[]
  readonly links: { readonly next: string | null }
  readonly truncated?: boolean
}

async function pages(world: V3World, query: string): Promise<readonly Listed[]> {
  const chief = await world.enter('chief')
  const found: Listed[] = []
  let next: string | null = `http://127.0.0.1:8080/v3/users${query}`
  while (next !== null) {
    const { pathname, search } = new URL(next)
    const answer = await world.ask(send('GET', pathname, { as: chief, query: search.slice(1) }))
    assert.equal(answer.status, 200, String(answer.body))
    const page = (await bodyJson(answer)) as Listed
    assert.equal(page.truncated === true, page.links.next !== null)
    found.push(page)
    next = page.links.next
  }
  return found
}

test('a list is followed page by page, each entry once, whatever its limit', async () => {
  const world = await openV3()
  const all = (await pages(world, ''))[0]?.users.map(({ id }) => id) ?? []
  assert.ok(all.length > 10)
  for (const limit of [1, 2, 3, all.length - 1, all.length, all.length + 1]) {
    const found = await pages(world, `?limit=${limit}`)
    assert.deepEqual(
      found.flatMap(({ users }) => users.map(({ id }) => id)),
      all,
    )
    assert.equal(found.length, Math.ceil(all.length / limit), String(limit))
  }
  const blue = await pages(world, '?domain_id=blue&limit=2')
  assert.deepEqual(
    blue.flatMap(({ users }) => users.map(({ id }) => id)),
    ['boss', 'governor', 'idle', 'kim', 'lead', 'pia', 'pol'],
  )
})

test(`a page holds ${PAGE_MAX} entries at most, and links to the next`, async () => {
  const world = await openV3()
  const { realm } = world
  const before = (await pages(world, ''))[0]?.users.length ?? 0
  const user = (id: string): ReturnType<typeof identityUserValue> =>
    identityUserValue(realm, { id: `n${id}`, username: `n${id}`, roles: [], enabled: true })
  await putMany(realm, IDENTITY_USERS, numbered(PAGE_MAX - before).map(user))
  assert.deepEqual(
    (await pages(world, '?limit=999999')).map(({ users }) => users.length),
    [PAGE_MAX],
  )
  await putMany(realm, IDENTITY_USERS, [user('one more')])
  assert.deepEqual(
    (await pages(world, '')).map(({ users }) => users.length),
    [PAGE_MAX, 1],
  )
})

test('entries without a record appear at their place in the pages', async () => {
  const { ask, enter } = await openV3()
  const chief = await enter('chief')
  await ask(send('POST', '/v3/roles', { as: chief, body: { role: { name: 'painter' } } }))
  const names: string[] = []
  let query = 'limit=4'
  for (;;) {
    const answer = await ask(send('GET', '/v3/roles', { as: chief, query }))
    type Roles = {
      readonly roles: readonly { readonly name: string }[]
      readonly links: { readonly next: string | null }
    }
    const { roles, links } = (await bodyJson(answer)) as Roles
    names.push(...roles.map(({ name }) => name))
    if (links.next === null) break
    query = new URL(links.next).search.slice(1)
  }
  assert.equal(names.length, 10)
  assert.equal(new Set(names).size, 10)
})

test(`a user has ${APP_CREDENTIALS_MAX} application credentials at most`, async () => {
  const { ask, enter, realm } = await openV3()
  const credential = (id: string): object => ({
    id,
    userId: 'pia',
    tenantId: 'team',
    name: id,
    secretDigest: 'x',
    roleIds: ['member'],
    isUnrestricted: false,
  })
  await putMany(realm, IDENTITY_APP_CREDENTIALS, numbered(APP_CREDENTIALS_MAX - 1).map(credential) as never)
  const pia = await enter('pia')
  const make = (name: string): Promise<Answer> =>
    ask(
      send('POST', '/v3/users/pia/application_credentials', {
        as: pia,
        body: { application_credential: { name } },
      }),
    )
  assert.equal((await make('the last')).status, 201)
  assert.equal((await make('one more')).status, 403)
})

test(`a user has ${GRANTS_MAX} role assignments at most`, async () => {
  const { ask, enter, realm } = await openV3()
  const chief = await enter('chief')
  await changeUser(realm, 'pia', {
    grants: numbered(GRANTS_MAX - 1).map((id) => ({ roleId: 'member', tenantId: id })),
  })
  const give = (role: string): Promise<Answer> =>
    ask(send('PUT', `/v3/projects/team/users/pia/roles/${role}`, { as: chief }))
  assert.equal((await give('member')).status, 204)
  assert.equal((await give('reader')).status, 403)
  assert.equal((await give('member')).status, 204, 'what is there already needs no room')
})

test('a catalog has the services with a URL for this scope, and a bounded number of URLs', async () => {
  const { ask, realm } = await openV3()
  const service = (id: string): object => ({ id, name: id, type: id })
  await putMany(realm, IDENTITY_SERVICES, ['compute', 'empty', 'metering'].map(service) as never)
  const endpoint = (id: string, serviceId: string, publicUrl: string): object => ({
    ...{ id, serviceId, region: 'R', publicUrl },
    ...{ internalUrl: 'http://inside', enabled: true },
  })
  await putMany(realm, IDENTITY_ENDPOINTS, [
    endpoint('a', 'compute', 'http://nova/v2/%(tenant_id)s'),
    endpoint('b', 'metering', 'http://meter/$(project_id)s/x'),
    { ...endpoint('c', 'empty', 'http://off'), enabled: false },
  ] as never)
  const { catalog = [] } = await tokenIn(await ask(byPassword('pia')))
  const urls = catalog.map(({ type, endpoints }) => [type, ...endpoints.map(({ url }) => url)])
  assert.deepEqual(urls.slice(1), [
    ['compute', 'http://nova/v2/team', 'http://inside'],
    ['metering', 'http://meter/team/x', 'http://inside'],
  ])
  const system = await tokenIn(await ask(byPassword('sysadmin', { system: { all: true } })))
  assert.deepEqual(
    system.catalog?.slice(1).map(({ endpoints }) => endpoints.length),
    [1, 1],
  )

  const many = numbered(CATALOG_MAX).map((id) => endpoint(`m${id}`, 'compute', 'http://nova'))
  await putMany(realm, IDENTITY_ENDPOINTS, many as never)
  const full = (await tokenIn(await ask(byPassword('pia')))).catalog ?? []
  const count = full.slice(1).reduce((sum, { endpoints }) => sum + endpoints.length, 0) / 2
  assert.equal(count, CATALOG_MAX)
})

test(`an answer has ${EVENTS_MAX} events at most, and links to the next`, async () => {
  const { ask, enter, realm } = await openV3()
  const rule = (subject: string): Operation => {
    const target = { kind: 'cut', shape: 'subject', principals: { source: 'identity', subject } } as const
    return {
      kind: 'append',
      row: realm.row({ kind: 'revoke', target, keepUntilMs: realm.nowMs() + 1 }, AUDIT),
    }
  }
  for (let at = 0; at <= EVENTS_MAX; at += 2_000) {
    const operations = numbered(at === EVENTS_MAX ? 1 : 2_000).map((id) => rule(`${at}-${id}`))
    await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  }
  const chief = await enter('chief')
  type Events = { readonly events: readonly object[]; readonly links: { readonly next: string | null } }
  const first = JSON.parse(
    await bodyText(await ask(send('GET', '/v3/OS-REVOKE/events', { as: chief }))),
  ) as Events
  assert.equal(first.events.length, EVENTS_MAX)
  const query = new URL(first.links.next ?? '').search.slice(1)
  const rest = (await bodyJson(
    await ask(send('GET', '/v3/OS-REVOKE/events', { as: chief, query })),
  )) as Events
  assert.deepEqual([rest.events.length, rest.links.next], [1, null])
})

test('assignments are followed page by page, and no marker names a hidden user', async () => {
  const { ask, enter } = await openV3()
  for (const [caller, isSeen] of [
    ['chief', (): boolean => true],
    ['governor', (id: string): boolean => !['eva', 'nova', 'auditor', 'sysadmin', 'chief'].includes(id)],
  ] as const) {
    const as = await enter(caller)
    type Assigned = {
      readonly user: { readonly id: string }
      readonly links: { readonly assignment: string }
    }
    const page = async (query: string): Promise<{ found: readonly Assigned[]; next: string | null }> => {
      const answer = await ask(send('GET', '/v3/role_assignments', { as, query }))
      type Body = {
        readonly role_assignments: readonly Assigned[]
        readonly links: { readonly next: string | null }
      }
      const { role_assignments: found, links } = (await bodyJson(answer)) as Body
      return { found, next: links.next }
    }
    const all = await page('')
    assert.ok(all.found.length > 4)
    const seen: string[] = []
    let query = 'limit=1'
    for (let rounds = 0; rounds < 50; rounds += 1) {
      const { found, next } = await page(query)
      seen.push(...found.map(({ links }) => links.assignment))
      if (next === null) break
      const { searchParams, search } = new URL(next)
      assert.ok(isSeen(searchParams.get('marker') ?? ''), `${caller}: ${search}`)
      query = search.slice(1)
    }
    assert.deepEqual(
      seen,
      all.found.map(({ links }) => links.assignment),
    )
  }
})
