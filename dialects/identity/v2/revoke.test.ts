import assert from 'node:assert/strict'
import { test } from 'node:test'
import { issueTokens, mintText, PREFIX } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'
import {
  append,
  as,
  faultOf,
  type IdentityWorld,
  neverIssued,
  openIdentity,
} from '../../../test/kit/world-identity.ts'
import { IDENTITY } from '../directory/directory.ts'

const OWN = '/v2.0/tokens'
const isLive = async (world: IdentityWorld, token: string): Promise<boolean> =>
  (await world.ask(as(token, 'GET', `/v2.0/tokens/${token}`))).status === 200

test('DELETE without an id ends the caller’s token: 204, without body or content type', async () => {
  const world = await openIdentity()
  const ann = await world.login('ann')
  assert.deepEqual(await world.ask(as(ann, 'DELETE', OWN)), {
    status: 204,
    reason: 'No content',
    headers: { vary: 'Accept, Accept-Encoding, X-Auth-Token', 'cache-control': 'no-store' },
    body: '',
  })
  assert.equal(await isLive(world, ann), false)
})

test('a second revoke of one’s own token is 401, not 404', async () => {
  const { ask, login } = await openIdentity()
  const ann = await login('ann')
  assert.equal((await ask(as(ann, 'DELETE', OWN))).status, 204)
  const again = await ask(as(ann, 'DELETE', OWN))
  assert.deepEqual([again.status, (await faultOf(again)).name], [401, 'unauthorized'])
})

test('of two concurrent revokes of one’s own token one is 204 and one is 401', async () => {
  const { ask, login } = await openIdentity()
  const ann = await login('ann')
  const both = await Promise.all([ask(as(ann, 'DELETE', OWN)), ask(as(ann, 'DELETE', OWN))])
  assert.deepEqual(
    both.map(({ status }) => status),
    [204, 401],
  )
})

test('of two concurrent revokes of one token by operators one is 204 and one is 404', async () => {
  const { ask, login } = await openIdentity()
  const [root, svc, ann] = [await login('root'), await login('svc'), await login('ann')]
  const path = `${OWN}/${ann}`
  const both = await Promise.all([ask(as(root, 'DELETE', path)), ask(as(svc, 'DELETE', path))])
  assert.deepEqual(
    both.map(({ status }) => status),
    [204, 404],
  )
})

test('an operator whose token ends at the same moment ends nothing', async () => {
  const world = await openIdentity()
  const [root, ann] = [await world.login('root'), await world.login('ann')]
  const both = await Promise.all([
    world.ask(as(root, 'DELETE', OWN)),
    world.ask(as(root, 'DELETE', `${OWN}/${ann}`)),
  ])
  assert.deepEqual(
    both.map(({ status }) => status),
    [204, 401],
  )
  assert.equal(await isLive(world, ann), true)
})

test('one’s own token may be named by path or query, and so may another one of one’s own', async () => {
  const world = await openIdentity()
  const ann = await world.login('ann')
  assert.equal((await world.ask(as(ann, 'DELETE', `${OWN}/${ann}`))).status, 204)
  assert.equal(await isLive(world, ann), false)
  const [first, second] = [await world.login('ann'), await world.login('ann')]
  assert.equal((await world.ask(as(first, 'DELETE', OWN, `tokenId=${second}`))).status, 204)
  assert.deepEqual([await isLive(world, first), await isLive(world, second)], [true, false])
})

test('revoking ends one token, and the user’s others stay live', async () => {
  const world = await openIdentity()
  const [root, one, other] = [await world.login('root'), await world.login('ann'), await world.login('ann')]
  assert.equal((await world.ask(as(root, 'DELETE', `${OWN}/${one}`))).status, 204)
  assert.deepEqual([await isLive(world, one), await isLive(world, other)], [false, true])
})

test('a trailing slash is tolerated and a request body ignored', async () => {
  const { ask, login } = await openIdentity()
  const [root, ann, bob] = [await login('root'), await login('ann'), await login('bob')]
  const body = JSON.stringify({ tokenId: root, target: { user_id: 'id-root' } })
  assert.equal((await ask({ ...as(root, 'DELETE', `${OWN}/${ann}/`), body })).status, 204)
  assert.equal((await ask({ ...as(bob, 'DELETE', `${OWN}/`), body: 'not { json' })).status, 204)
  assert.equal((await ask(as(root, 'GET', `${OWN}/${root}`))).status, 200)
})

test('a path and query that agree are accepted; if they differ it is 400, and nothing is revoked', async () => {
  const world = await openIdentity()
  const [root, ann, bob] = [await world.login('root'), await world.login('ann'), await world.login('bob')]
  const disagreeing = await world.ask(as(root, 'DELETE', `${OWN}/${ann}`, `tokenId=${bob}`))
  assert.deepEqual([disagreeing.status, (await faultOf(disagreeing)).name], [400, 'badRequest'])
  assert.deepEqual([await isLive(world, ann), await isLive(world, bob)], [true, true])
  assert.equal((await world.ask(as(root, 'DELETE', `${OWN}/${ann}`, `tokenId=${ann}`))).status, 204)
})

test('a malformed id is 400 and revokes nothing, not even the caller’s own token', async () => {
  const world = await openIdentity()
  const root = await world.login('root')
  const queries = [
    'tokenId=',
    'tokenId',
    `tokenId=${root}&tokenId=${root}`,
    'tokenId=%00',
    'tokenId=%0d%0aX-Evil:%201',
    'tokenId=%7f',
    'tokenId=%E0%A4%A',
    'tokenId=%ff',
    `tokenId=${'x'.repeat(8_193)}`,
    `tokenID=${root}`,
    `token_id=${root}`,
    `tokenId[]=${root}`,
    'a=1&a=2',
    Array.from({ length: 65 }, (_, at) => `p${at}=1`).join('&'),
  ]
  for (const query of queries) {
    const answer = await world.ask(as(root, 'DELETE', OWN, query))
    assert.equal(answer.status, 400, query)
    assert.equal((await faultOf(answer)).name, 'badRequest')
  }
  for (const id of ['%00', '%0a', '%1f', '%7F', '%C2%80', '%ff', '%E0%A4%A', '%', 'x'.repeat(4_100)])
    assert.equal((await world.ask(as(root, 'DELETE', `${OWN}/${id}`))).status, 400, id)
  assert.equal((await world.ask(as(root, 'DELETE', `${OWN}/${root}`, 'tokenId='))).status, 400)
  assert.equal((await world.ask(as(root, 'DELETE', `${OWN}//`))).status, 400)
  assert.equal(await isLive(world, root), true)
})

test('strange but well-formed ids are looked up and not found', async () => {
  const { ask, login } = await openIdentity()
  const root = await login('root')
  for (const id of ['%2F', '..%2f..', '%3Fx', 'a;b', '%20', 'é', '__proto__', '%EF%BF%BD', '01'])
    assert.equal((await ask(as(root, 'DELETE', `${OWN}/${id}`))).status, 404, id)
})

test('query parameters that name no token are ignored', async () => {
  const { ask, login } = await openIdentity()
  const ann = await login('ann')
  assert.equal((await ask(as(ann, 'DELETE', OWN, 'target=root&is_admin=true&belongsTo=1'))).status, 204)
})

test('without a live X-Auth-Token everything is 401, even a malformed id', async () => {
  const { ask, login, realm } = await openIdentity()
  const ann = await login('ann')
  for (const given of [
    as('dead', 'DELETE', OWN),
    as(neverIssued(realm), 'DELETE', `${OWN}/${ann}`),
    as('dead', 'DELETE', OWN, 'tokenId='),
    { method: 'DELETE', path: OWN },
    { method: 'DELETE', path: `${OWN}/${ann}` },
  ])
    assert.equal((await ask(given)).status, 401)
})

test('a token of another source is unknown here, as caller and as subject', async () => {
  const { ask, login, realm } = await openIdentity()
  const raw = mintText(PREFIX.access, realm.random)
  const facts = { source: 'oauth', subject: 'id-ann' }
  const standing = { ...facts, ancestors: [], position: realm.position(), expiresAtMs: 9e15 }
  const caller = { id: 'oauth:test', from: 'local', dependency: { realm: realm.ordinal, facts: standing } }
  const expiresAtMs = realm.nowMs() + 60_000
  const intent = { ...facts, raw, kind: 'access', expiresAtMs } as const
  await issueTokens(realm, { judgedAt: realm.position(), caller, tokens: [intent] })
  const [root, ann] = [await login('root'), await login('ann')]
  assert.equal((await ask(as(raw.reveal(), 'DELETE', OWN))).status, 401)
  assert.equal((await ask(as(root, 'DELETE', `${OWN}/${raw.reveal()}`))).status, 404)
  assert.equal((await ask(as(ann, 'DELETE', `${OWN}/${raw.reveal()}`))).status, 403)
})

test('a suspended token can be revoked, and releasing the hold does not bring it back', async () => {
  const world = await openIdentity()
  const [root, ann] = [await world.login('root'), await world.login('ann')]
  const target = {
    kind: 'cut',
    shape: 'subject',
    principals: { source: IDENTITY, subject: 'id-ann' },
  } as const
  await append(world.realm, { kind: 'hold', id: 'h', target })
  assert.equal((await world.ask(as(root, 'DELETE', `${OWN}/${ann}`))).status, 204)
  await append(world.realm, { kind: 'release', id: 'h' })
  assert.equal(await isLive(world, ann), false)
  assert.equal((await world.ask(as(root, 'DELETE', `${OWN}/${ann}`))).status, 404)
})

test('the log names who revoked, from where and how', async () => {
  const { ask, login, realm, store } = await openIdentity()
  const ann = await login('ann')
  const audits: string[] = []
  const commit = store.commit.bind(store)
  store.commit = (group) => {
    for (const { operations } of group.writes)
      for (const operation of operations) if (operation.kind === 'append') audits.push(operation.row.audit)
    return commit(group)
  }
  const before = (await store.head(realm.ordinal)).seq
  assert.equal((await ask({ ...as(ann, 'DELETE', OWN), from: '192.0.2.7' })).status, 204)
  assert.equal((await store.head(realm.ordinal)).seq, before + 1)
  assert.deepEqual(
    audits.map((audit) => JSON.parse(audit) as unknown),
    [{ by: 'identity:id-ann', from: '192.0.2.7', how: 'identity.revoke' }],
  )
})

test('a revoke that could not be written is an outage, and the token stays live', async () => {
  const world = await openIdentity()
  const ann = await world.login('ann')
  world.power.isDown = true
  await assert.rejects(world.ask(as(ann, 'DELETE', OWN)), StoreUnavailable)
  world.power.isDown = false
  assert.equal(await isLive(world, ann), true)
  assert.equal((await world.ask(as(ann, 'DELETE', OWN))).status, 204)
})
