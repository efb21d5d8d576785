import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreUnavailable } from '@rescind/core'
import type { Answer } from '@rescind/dialects'
import { openWorld } from '../../../test/kit/realm.ts'
import { type Ask, wireRequest } from '../../../test/kit/request.ts'
import {
  accessOf,
  apiKeyLogin,
  append,
  as,
  changeUser,
  faultOf,
  neverIssued,
  openIdentity,
  putTenant,
} from '../../../test/kit/world-identity.ts'
import { withoutKeyed } from '../../../test/kit/wrapped-store.ts'
import { IDENTITY } from '../directory/directory.ts'

test('a live token is shown with its user and tenant, and without a catalog', async () => {
  const { ask, login } = await openIdentity()
  const { token } = await accessOf(await ask(apiKeyLogin('ann')))
  const owner = await login('owner')
  const shown = await accessOf(await ask(as(owner, 'GET', `/v2.0/tokens/${token.id}`)))
  assert.deepEqual(shown.token, token)
  assert.equal(shown.user.id, 'id-ann')
  assert.deepEqual(Object.keys(shown), ['token', 'user'])
})

test('[N17] HEAD has the status and the headers of GET, for successes and faults', async () => {
  const { ask, login, realm } = await openIdentity()
  const [root, ann] = [await login('root'), await login('ann')]
  for (const [caller, id, query] of [
    [root, ann, undefined],
    [root, ann, 'belongsTo=900100'],
    [root, ann, 'belongsTo=900200'],
    [root, neverIssued(realm), undefined],
    [ann, root, undefined],
    ['dead', ann, undefined],
    [root, '%01', undefined],
  ] as const) {
    const get = await ask(as(caller, 'GET', `/v2.0/tokens/${id}`, query))
    const head = await ask(as(caller, 'HEAD', `/v2.0/tokens/${id}`, query))
    assert.deepEqual([head.status, head.headers], [get.status, get.headers])
  }
})

test('belongsTo compares the tenant’s id; another id, an empty one, or a token without a tenant is 401', async () => {
  const { ask, login } = await openIdentity()
  const [root, ann] = [await login('root'), await login('ann')]
  const status = async (id: string, query: string) =>
    (await ask(as(root, 'GET', `/v2.0/tokens/${id}`, query))).status
  assert.equal(await status(ann, 'belongsTo=900100'), 200)
  assert.equal(await status(ann, 'belongsTo=900100&include_accessible_domains=true'), 200)
  for (const query of ['belongsTo=900200', 'belongsTo=tenant-900100', 'belongsTo=', 'belongsTo'])
    assert.equal(await status(ann, query), 401)
  assert.equal(await status(root, 'belongsTo=900100'), 401)
  const answer = await ask(as(root, 'GET', `/v2.0/tokens/${ann}`, 'belongsTo=900200'))
  const message = "Token doesn't belong to Tenant with Id/Name: '900200'"
  assert.deepEqual(await faultOf(answer), { name: 'unauthorized', code: 401, message })
})

test('a repeated or broken query is 400', async () => {
  const { ask, login } = await openIdentity()
  const root = await login('root')
  for (const query of ['belongsTo=1&belongsTo=1', 'belongsTo=%00', 'belongsTo=%E0%A4%A', 'a=1&a=2']) {
    const answer = await ask(as(root, 'GET', `/v2.0/tokens/${root}`, query))
    assert.deepEqual([answer.status, (await faultOf(answer)).name], [400, 'badRequest'])
  }
})

test('[C12] belongsTo is checked after authority, so it tells a stranger nothing', async () => {
  const { ask, login } = await openIdentity()
  const [ann, eve] = [await login('ann'), await login('eve')]
  assert.equal((await ask(as(ann, 'GET', `/v2.0/tokens/${eve}`, 'belongsTo=900200'))).status, 403)
  assert.equal((await ask(as(ann, 'GET', `/v2.0/tokens/${eve}`, 'belongsTo=1'))).status, 403)
})

test('no token, an unknown one, an expired one and a revoked one in X-Auth-Token get the same 401', async () => {
  const { ask, login, realm, clock } = await openIdentity({ tokenLifeSeconds: 60 })
  const [expired, revoked] = [await login('ann'), await login('ann')]
  assert.equal((await ask(as(revoked, 'DELETE', '/v2.0/tokens'))).status, 204)
  clock.advance(60_000)
  const target = await login('ann')
  const answers = [await ask({ method: 'GET', path: `/v2.0/tokens/${target}` })]
  for (const dead of [expired, revoked, neverIssued(realm), '', 'x', '\ud800', 'x'.repeat(9_000), 'é\0'])
    answers.push(await ask(as(dead, 'GET', `/v2.0/tokens/${target}`)))
  assert.equal(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1)
  const [answer = assert.fail()] = answers
  assert.equal(answer.status, 401)
  assert.equal(answer.headers['www-authenticate'], 'Keystone uri="http://127.0.0.1:8080/v2.0"')
  assert.match((await faultOf(answer)).message, /^No valid token provided\./)
})

test('[B02] roles are current: one that was taken away is not shown and gives no right', async () => {
  const { ask, login, realm } = await openIdentity()
  const [owner, ann, root] = [await login('owner'), await login('ann'), await login('root')]
  assert.equal((await ask(as(owner, 'GET', `/v2.0/tokens/${ann}`))).status, 200)
  await changeUser(realm, 'id-owner', { roles: ['identity:default', 'compute:observer'] })
  assert.equal((await ask(as(owner, 'GET', `/v2.0/tokens/${ann}`))).status, 403)
  const { user } = await accessOf(await ask(as(root, 'GET', `/v2.0/tokens/${owner}`)))
  assert.deepEqual(
    user.roles.map(({ id, name }) => [id, name]),
    [
      ['2', 'identity:default'],
      ['compute:observer', 'compute:observer'],
    ],
  )
})

test('a token of a disabled user is dead as caller and as subject, even if nothing revoked it', async () => {
  const { ask, login, realm } = await openIdentity()
  const [ann, root] = [await login('ann'), await login('root')]
  await changeUser(realm, 'id-ann', { enabled: false })
  assert.equal((await ask(as(ann, 'GET', `/v2.0/tokens/${ann}`))).status, 401)
  assert.equal((await ask(as(root, 'GET', `/v2.0/tokens/${ann}`))).status, 404)
  assert.equal((await ask(as(root, 'DELETE', `/v2.0/tokens/${ann}`))).status, 404)
})

test('[B03] a token of a disabled tenant is dead as caller and subject, even if nothing revoked it', async () => {
  const { ask, login, realm } = await openIdentity()
  const [ann, root] = [await login('ann'), await login('root')]
  await putTenant(realm, { id: '900100', name: 'tenant-900100', enabled: false })
  assert.equal((await ask(as(ann, 'DELETE', '/v2.0/tokens'))).status, 401)
  assert.equal((await ask(as(root, 'GET', `/v2.0/tokens/${ann}`))).status, 404)
})

test('the account decides, not the tenant, if a user has one', async () => {
  const { ask, login, realm } = await openIdentity()
  await changeUser(realm, 'id-eve', { accountId: '900100' })
  const [owner, owner2, eve] = [await login('owner'), await login('owner2'), await login('eve')]
  assert.equal((await ask(as(owner, 'GET', `/v2.0/tokens/${eve}`))).status, 200)
  assert.equal((await ask(as(owner2, 'GET', `/v2.0/tokens/${eve}`))).status, 403)
})

test('a suspended token is 401 as caller and 404 as subject, and live again when released', async () => {
  const { ask, login, realm } = await openIdentity()
  const [ann, root] = [await login('ann'), await login('root')]
  const principals = { source: IDENTITY, subject: 'id-ann' }
  await append(realm, { kind: 'hold', id: 'h', target: { kind: 'cut', shape: 'subject', principals } })
  assert.equal((await ask(as(ann, 'GET', `/v2.0/tokens/${ann}`))).status, 401)
  assert.equal((await ask(as(root, 'GET', `/v2.0/tokens/${ann}`))).status, 404)
  await append(realm, { kind: 'release', id: 'h' })
  assert.equal((await ask(as(root, 'GET', `/v2.0/tokens/${ann}`))).status, 200)
})

test('a store that is down is an outage, never "not found"', async () => {
  const { ask, login, realm, power } = await openIdentity()
  const root = await login('root')
  power.isDown = true
  await assert.rejects(ask(as(root, 'GET', `/v2.0/tokens/${neverIssued(realm)}`)), StoreUnavailable)
})

test('texts that nearly equal a token do not match it', async () => {
  const { ask, login } = await openIdentity()
  const [root, ann] = [await login('root'), await login('ann')]
  const misses = [ann.toLowerCase(), ann.toUpperCase(), `${ann}%20`, `%20${ann}`, `${ann}%3D`, ann + ann]
  for (let at = 0; at < ann.length; at += 1)
    misses.push(ann.slice(0, at) + (ann[at] === 'x' ? 'y' : 'x') + ann.slice(at + 1))
  for (const id of misses) assert.equal((await ask(as(root, 'GET', `/v2.0/tokens/${id}`))).status, 404, id)
  const escaped = ann.replaceAll('_', '%5F')
  assert.equal((await ask(as(root, 'GET', `/v2.0/tokens/${escaped}`))).status, 200)
})

test('a caller revoked while the token is being read learns nothing about it', async () => {
  const { dialect, login, store } = await openIdentity()
  const [root, ann] = [await login('root'), await login('ann')]
  // A realm just opened has no tokens in its cache, so it must read ann's.
  const { realm: cold } = await openWorld(store)
  const ask = async (given: Ask): Promise<Answer> => dialect.handle(cold, wireRequest(given))
  assert.equal((await ask(as(root, 'GET', `/v2.0/tokens/${root}`))).status, 200)
  const read = withoutKeyed(store).tokenByDigest.bind(store)
  store.tokenByDigest = async (realm, digest) => {
    store.tokenByDigest = read
    await ask(as(root, 'DELETE', '/v2.0/tokens'))
    return read(realm, digest)
  }
  assert.equal((await ask(as(root, 'GET', `/v2.0/tokens/${ann}`))).status, 401)
})
