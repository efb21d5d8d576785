import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NewRow } from '@rescind/authority'
import { RawToken } from '@rescind/core/tokens'
import { START_MS } from '../../../test/kit/realm.ts'
import { bodyJson } from '../../../test/kit/request.ts'
import { onBothStores } from '../../../test/kit/stores.ts'
import {
  accessOf,
  as,
  changeUser,
  faultOf,
  type IdentityWorld,
  openIdentity,
  post,
  send,
} from '../../../test/kit/world-identity.ts'

const byToken = (id: string, beside: object = {}) => post({ auth: { token: { id }, ...beside } })

async function openWithProject() {
  const world = await openIdentity()
  await changeUser(world.realm, 'id-ann', {
    grants: [{ roleId: '2' }, { roleId: 'member', tenantId: 'p1' }],
  })
  return world
}

test('a token and a tenant give a token of that tenant, with the same expiry and proof', async () => {
  const { ask, login, clock } = await openWithProject()
  const ann = await login('ann')
  clock.advance(1_000)
  const { token, user, serviceCatalog } = await accessOf(await ask(byToken(ann, { tenantId: 'p1' })))
  assert.notEqual(token.id, ann)
  assert.equal(token.tenant?.id, 'p1')
  assert.equal(token.expires, new Date(START_MS + 86_400_000).toISOString())
  assert.deepEqual(user.roles.at(-1), {
    id: 'member',
    name: 'member',
    description: 'OpenStack member.',
    tenantId: 'p1',
  })
  assert.equal(serviceCatalog?.length, 1)
})

test('[E01] the expiry of a chain of tokens does not move (CVE-2012-5563)', async () => {
  const { ask, login, clock } = await openWithProject()
  let id = await login('ann')
  const ends = new Set<string>()
  for (let at = 0; at < 50; at += 1) {
    clock.advance(60_000)
    const { token } = await accessOf(await ask(byToken(id, { tenantId: at % 2 === 0 ? 'p1' : '900100' })))
    id = token.id
    ends.add(token.expires)
  }
  assert.equal(ends.size, 1)
  clock.advance(86_400_000)
  assert.equal((await ask(byToken(id))).status, 401)
})

test('[E07] a dead, unknown or foreign token, and a tenant that is not the user’s, are 401', async () => {
  const { ask, login } = await openWithProject()
  const [ann, dead] = [await login('ann'), await login('ann')]
  await ask(as(dead, 'DELETE', '/v2.0/tokens'))
  for (const given of [byToken(dead), byToken('x'), byToken(ann, { tenantId: '900200' })])
    assert.equal((await ask(given)).status, 401)
  const refused = await faultOf(await ask(byToken(ann, { tenantName: 'nowhere' })))
  assert.equal(refused.message, "Token doesn't belong to Tenant with Id/Name: 'nowhere'")
})

test('revoking a token leaves tokens rescoped from it live, unless chain revocation is on', async () => {
  for (const [chainRevocation, status] of [
    [false, 200],
    [true, 404],
  ] as const) {
    const { ask, login } = await openIdentity({ chainRevocation })
    const [root, ann] = [await login('root'), await login('ann')]
    const { token } = await accessOf(await ask(byToken(ann)))
    assert.equal((await ask(as(ann, 'DELETE', '/v2.0/tokens'))).status, 204)
    assert.equal((await ask(as(root, 'GET', `/v2.0/tokens/${token.id}`))).status, status)
  }
})

test('a catalog may be left out of a login', async () => {
  const { ask, login } = await openIdentity()
  const ann = await login('ann')
  const { serviceCatalog } = await accessOf(
    await ask({ ...byToken(ann), query: 'include_endpoints=false&apply_rcn_roles=true' }),
  )
  assert.equal(serviceCatalog, undefined)
})

const IMPERSONATE = '/v2.0/RAX-AUTH/impersonation-tokens'
const impersonation = (token: string, username: string, more: object = {}) =>
  send(token, 'POST', IMPERSONATE, { 'RAX-AUTH:impersonation': { user: { username }, ...more } })

async function impersonated({ ask }: IdentityWorld, token: string, more: object = {}) {
  const answer = await ask(impersonation(token, 'ann', more))
  assert.equal(answer.status, 200)
  return ((await bodyJson(answer)) as { access: { token: { id: string; expires: string } } }).access.token
}

test('an operator acts as a user, is named in the answer, and no longer than its own token lives', async () => {
  const world = await openIdentity()
  const { ask, login, clock } = world
  const root = await login('root')
  const { id, expires } = await impersonated(world, root, { 'expire-in-seconds': 60 })
  assert.equal(expires, new Date(START_MS + 60_000).toISOString())
  const answer = await ask(as(id, 'GET', `/v2.0/tokens/${id}`))
  const { access } = (await bodyJson(answer)) as {
    access: { user: { name: string }; 'RAX-AUTH:impersonator': { name: string } }
  }
  assert.deepEqual([access.user.name, access['RAX-AUTH:impersonator'].name], ['ann', 'root'])
  clock.advance(86_400_000 - 60_000)
  const late = await login('root')
  assert.equal((await impersonated(world, root)).expires, new Date(START_MS + 86_400_000).toISOString())
  assert.notEqual(late, root)
})

test('a rule that ends the impersonator’s token ends the tokens made from it, at any depth', async () => {
  for (const end of ['token', 'role', 'disable'] as const) {
    const world = await openIdentity()
    const { ask, login } = world
    const [svc, root] = [await login('svc'), await login('root')]
    const { id } = await impersonated(world, root)
    const { token } = await accessOf(await ask(byToken(id)))
    if (end === 'token') await ask(as(root, 'DELETE', '/v2.0/tokens'))
    if (end === 'role') await ask(as(svc, 'DELETE', '/v2.0/users/id-root/roles/OS-KSADM/1'))
    if (end === 'disable')
      await ask(send(svc, 'PUT', '/v2.0/users/id-root/OS-KSADM/enabled', { user: { enabled: false } }))
    for (const dead of [id, token.id])
      assert.equal((await ask(as(svc, 'GET', `/v2.0/tokens/${dead}`))).status, 404, end)
  }
})

test('only operators impersonate, and nobody of equal or higher rank', async () => {
  const world = await openIdentity()
  const { ask, login } = world
  const root = await login('root')
  for (const name of ['owner', 'manager', 'ann', 'plain'])
    assert.equal((await ask(impersonation(await login(name), 'bob'))).status, 403)
  assert.equal((await ask(impersonation(root, 'svc'))).status, 403)
  assert.equal((await ask(impersonation(root, 'root'))).status, 403)
  assert.equal((await ask(impersonation(root, 'nobody'))).status, 404)
  assert.equal((await ask(impersonation('x', 'ann'))).status, 401)
  for (const seconds of [0, -1, 86_401, 'x', 1.5])
    assert.equal((await ask(impersonation(root, 'ann', { 'expire-in-seconds': seconds }))).status, 400)
  const service = await login('svc')
  const asRoot = (
    (await bodyJson(await ask(impersonation(service, 'root')))) as {
      access: { token: { id: string } }
    }
  ).access.token.id
  assert.equal((await ask(impersonation(asRoot, 'ann'))).status, 403)
})

test('the log names the impersonator behind a token', async () => {
  const world = await openIdentity()
  const { ask, login, store } = world
  const { id } = await impersonated(world, await login('root'))
  const audits: string[] = []
  const commit = store.commit.bind(store)
  store.commit = (group) => {
    for (const { operations } of group.writes)
      for (const operation of operations) if (operation.kind === 'append') audits.push(operation.row.audit)
    return commit(group)
  }
  await ask(as(id, 'DELETE', '/v2.0/tokens'))
  assert.deepEqual(
    audits.map((audit) => (JSON.parse(audit) as { by: string }).by),
    ['identity:id-ann by identity:id-root'],
  )
})

onBothStores(
  '[W87] an impersonation writes a row that names the operator, and its tokens name it too',
  async (store) => {
    const { realm, ask, login } = await openIdentity({ store })
    const root = await login('root')
    const rows: NewRow[] = []
    const commit = store.commit.bind(store)
    store.commit = (group) => {
      for (const { operations } of group.writes)
        for (const operation of operations) if (operation.kind === 'append') rows.push(operation.row)
      return commit(group)
    }
    const body = { 'RAX-AUTH:impersonation': { user: { username: 'ann' } } }
    const made = await ask(send(root, 'POST', '/v2.0/RAX-AUTH/impersonation-tokens', body))
    const { token } = await accessOf(made)
    assert.deepEqual(
      rows.map(({ rule, audit }) => [
        rule,
        (JSON.parse(audit) as { by: string; how: string }).by,
        audit.includes('identity.impersonate'),
      ]),
      [
        [
          { kind: 'change', collection: 'impersonations', id: 'id-ann', version: 1 },
          'identity:id-root',
          true,
        ],
      ],
    )
    const rescoped = (await accessOf(await ask(post({ auth: { token: { id: token.id } } })))).token.id
    for (const text of [token.id, rescoped]) {
      const { record } = await realm.find(RawToken.parse(text) ?? assert.fail(), 'identity')
      assert.equal(record?.mintedBy, 'identity:id-root')
      assert.equal(record?.delegated, 'impersonation')
    }
    const before = realm.index.seq
    const other = { 'RAX-AUTH:impersonation': { user: { username: 'svc' } } }
    assert.equal((await ask(send(root, 'POST', '/v2.0/RAX-AUTH/impersonation-tokens', other))).status, 403)
    assert.equal(realm.index.seq, before, 'what was refused leaves none')
  },
)

onBothStores(
  '[W87] reading the API key of another user writes a row, and reading one’s own none',
  async (store) => {
    const { realm, ask, login } = await openIdentity({ store })
    const [root, ann, bob] = [await login('root'), await login('ann'), await login('bob')]
    const path = '/v2.0/users/id-ann/OS-KSADM/credentials'
    const key = 'RAX-KSKEY:apiKeyCredentials'
    assert.equal((await ask(send(root, 'POST', `${path}/${key}/RAX-AUTH/reset`))).status, 200)
    for (const asked of [path, `${path}.xml`, `${path}/${key}`]) {
      const before = realm.index.seq
      assert.equal((await ask(as(root, 'GET', asked))).status, 200)
      assert.equal(realm.index.seq, before + 1, asked)
      assert.equal((await ask(as(ann, 'GET', asked))).status, 200)
      assert.equal((await ask(as(bob, 'GET', asked))).status, 403)
      assert.equal(realm.index.seq, before + 1, `${asked}, by oneself and by who may not`)
    }
  },
)
