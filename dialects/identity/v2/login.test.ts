import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deleteRecord, type Realm, revokePrincipals } from '@rescind/authority'
import { Overloaded, type Principals, StoreUnavailable } from '@rescind/core'
import type { CutoffShape } from '@rescind/core/log'
import { START_MS } from '../../../test/kit/realm.ts'
import { bodyJson } from '../../../test/kit/request.ts'
import {
  accessOf,
  apiKeyLogin,
  append,
  as,
  changeUser,
  faultOf,
  openIdentity,
  passwordLogin,
  post,
  putTenant,
  putUser,
} from '../../../test/kit/world-identity.ts'
import { IDENTITY, IDENTITY_TENANTS, IDENTITY_USERS, type IdentityUser } from '../directory/directory.ts'

const WRONG = 'Unable to authenticate user with credentials provided.'

test('a password gives a token, the user, its roles and a catalog', async () => {
  const { ask } = await openIdentity({ region: 'DFW' })
  const answer = await ask(passwordLogin('owner'))
  const { token, user, serviceCatalog } = await accessOf(answer)
  assert.match(token.id, /^rsi_[0-9A-Za-z]{36}$/)
  const { audit_ids: audit, ...shown } = token as typeof token & { audit_ids: string[] }
  assert.match(String(audit), /^tok_/)
  assert.deepEqual(shown, {
    id: token.id,
    expires: new Date(START_MS + 86_400_000).toISOString(),
    issued_at: new Date(START_MS).toISOString(),
    tenant: { id: '900100', name: 'tenant-900100' },
    'RAX-AUTH:authenticatedBy': ['PASSWORD'],
  })
  assert.deepEqual(user, {
    id: 'id-owner',
    name: 'owner',
    'RAX-AUTH:defaultRegion': 'DFW',
    'RAX-AUTH:domainId': '900100',
    roles: [{ id: '3', name: 'identity:user-admin', description: 'User Admin Role.' }],
  })
  assert.deepEqual(serviceCatalog, [
    {
      name: 'cloudIdentity',
      type: 'identity',
      endpoints: [
        {
          region: 'DFW',
          tenantId: '900100',
          publicURL: 'http://127.0.0.1:8080/v2.0',
          internalURL: 'http://127.0.0.1:8080/v2.0',
          adminURL: 'http://127.0.0.1:8080/v2.0',
          versionId: '2.0',
        },
      ],
      endpoints_links: [],
    },
  ])
})

test('a login by API key gives a token that names this proof', async () => {
  const { ask } = await openIdentity()
  const { token } = await accessOf(await ask(apiKeyLogin('ann')))
  assert.deepEqual((token as unknown as Record<string, unknown>)['RAX-AUTH:authenticatedBy'], ['APIKEY'])
})

test('a user can log in by its id', async () => {
  const { ask } = await openIdentity()
  const body = { auth: { passwordCredentials: { userId: 'id-ann', password: 'pw-ann' } } }
  assert.equal((await accessOf(await ask(post(body)))).user.id, 'id-ann')
})

test('every login gives its own token, and all of them stay valid', async () => {
  const { login, ask } = await openIdentity()
  const [first, second] = [await login('ann'), await login('ann')]
  assert.notEqual(first, second)
  assert.equal((await ask(as(first, 'DELETE', '/v2.0/tokens'))).status, 204)
  assert.equal((await ask(as(second, 'GET', `/v2.0/tokens/${second}`))).status, 200)
})

test('a user without a tenant gets a token without one, and a catalog', async () => {
  const { ask } = await openIdentity()
  const { token, user, serviceCatalog } = await accessOf(await ask(passwordLogin('root')))
  assert.ok(!('tenant' in token))
  assert.ok(!('RAX-AUTH:domainId' in user))
  assert.equal(serviceCatalog?.length, 1)
})

test('the tenant may be named by id or name, beside the credentials or inside them', async () => {
  const { ask } = await openIdentity()
  const inside = { username: 'ann', password: 'pw-ann', tenantName: 'tenant-900100' }
  for (const login of [
    passwordLogin('ann', { tenantId: '900100' }),
    passwordLogin('ann', { tenantName: 'tenant-900100' }),
    apiKeyLogin('ann', { tenantId: '900100' }),
    post({ auth: { passwordCredentials: inside } }),
  ])
    assert.equal((await accessOf(await ask(login))).token.tenant?.id, '900100')
})

test('[C12] a tenant that is not the user’s is 401, whether it exists or not', async () => {
  const { ask } = await openIdentity()
  const text = (name: string) => `Tenant with Name/Id: '${name}' is not valid for User 'ann' (id: 'id-ann')`
  for (const [member, value] of [
    ['tenantId', '900200'],
    ['tenantId', 'nowhere'],
    ['tenantId', 'tenant-900100'],
    ['tenantName', '900100'],
    ['tenantName', 'tenant-900200'],
  ] as const) {
    const answer = await ask(passwordLogin('ann', { [member]: value }))
    assert.equal(answer.status, 401)
    assert.deepEqual(await faultOf(answer), { name: 'unauthorized', code: 401, message: text(value) })
  }
  assert.equal((await ask(passwordLogin('loose', { tenantId: '900100' }))).status, 401)
})

test('a disabled tenant is 401, named or not', async () => {
  const { ask, realm } = await openIdentity()
  await putTenant(realm, { id: '900100', name: 'tenant-900100', enabled: false })
  assert.equal((await ask(passwordLogin('ann'))).status, 401)
  assert.equal((await ask(passwordLogin('ann', { tenantId: '900100' }))).status, 401)
  assert.equal((await ask(passwordLogin('eve'))).status, 200)
})

test('a deleted tenant is 401 if it is named', async () => {
  const { ask, realm } = await openIdentity()
  const { version } = await realm.directory.state(IDENTITY_TENANTS, '900100')
  const deletion = { collection: IDENTITY_TENANTS.name, id: '900100', fromVersion: version }
  const operations = deleteRecord(realm, deletion, { by: 'test', from: 'local', how: 'test' })
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  assert.equal((await ask(passwordLogin('ann', { tenantId: '900100' }))).status, 401)
  assert.equal((await ask(passwordLogin('ann', { tenantName: '900100' }))).status, 401)
})

test('an unknown user, a wrong password and a wrong key get the same answer, byte for byte', async () => {
  const { ask, passwords, realm } = await openIdentity()
  await changeUser(realm, 'id-bob', { enabled: false })
  await putUser(realm, await withoutSecrets(realm, 'id-plain'))
  const wrong = (username: string) => post({ auth: { passwordCredentials: { username, password: 'no' } } })
  const wrongKey = (username: string) =>
    post({ auth: { 'RAX-KSKEY:apiKeyCredentials': { username, apiKey: 'no' } } })
  const answers = []
  for (const name of ['ann', 'bob', 'plain', 'nobody', 'constructor', 'ANN'])
    answers.push(await ask(wrong(name)), await ask(wrongKey(name)))
  assert.deepEqual(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1)
  assert.deepEqual(await faultOf(answers[0] ?? assert.fail()), {
    name: 'unauthorized',
    code: 401,
    message: WRONG,
  })
  assert.equal(passwords.asked.length, 6, 'each password costs one hashing, known user or not')
  assert.equal(passwords.asked[3]?.hash, undefined)
})

async function withoutSecrets(realm: Realm, id: string): Promise<IdentityUser> {
  const entry = await realm.directory.get(IDENTITY_USERS, id)
  const { apiKeyDigest, apiKeySealed, passwordHash, ...bare } = entry?.value ?? assert.fail(id)
  assert.ok(apiKeyDigest && apiKeySealed && passwordHash)
  return bare
}

test('a user without a password or key is not let in by an empty or a guessed one', async () => {
  const { ask, realm } = await openIdentity()
  await putUser(realm, await withoutSecrets(realm, 'id-ann'))
  assert.equal((await ask(passwordLogin('ann'))).status, 401)
  assert.equal((await ask(apiKeyLogin('ann'))).status, 401)
})

test('a disabled user learns so only with the right credentials', async () => {
  const { ask, realm } = await openIdentity()
  await changeUser(realm, 'id-ann', { enabled: false })
  const answer = await ask(passwordLogin('ann'))
  assert.equal(answer.status, 403)
  assert.equal((await faultOf(answer)).name, 'userDisabled')
  assert.equal((await ask(apiKeyLogin('ann'))).status, 403)
  const wrong = post({ auth: { passwordCredentials: { username: 'ann', password: 'no' } } })
  assert.equal((await ask(wrong)).status, 401)
})

test('a body that is no login is 400, another media type 415, an Accept without JSON 406', async () => {
  const { ask, passwords } = await openIdentity()
  const good = passwordLogin('ann')
  for (const body of ['', '{', '[]', '{"auth":{}}', 'auth=1']) {
    const answer = await ask({ ...good, body })
    assert.equal(answer.status, 400)
    assert.equal((await faultOf(answer)).name, 'badRequest')
  }
  for (const type of ['text/plain', 'application/json; charset=latin1', 'application/jsonp']) {
    const answer = await ask({ ...good, headers: { 'content-type': type } })
    assert.equal(answer.status, 415)
    assert.equal((await faultOf(answer)).name, 'badMediaType')
  }
  assert.equal((await ask({ ...good, headers: {} })).status, 415)
  const html = await ask({ ...good, headers: { ...good.headers, accept: 'text/html' } })
  assert.deepEqual([html.status, (await faultOf(html)).name], [406, 'notAcceptable'])
  assert.equal(passwords.asked.length, 0)
  const utf8 = { 'content-type': 'application/json; charset="UTF-8"' }
  assert.equal((await ask({ ...good, headers: utf8 })).status, 200)
})

test('an X-Auth-Token in a login is ignored', async () => {
  const { ask } = await openIdentity()
  const good = passwordLogin('ann')
  const answer = await ask({ ...good, headers: { ...good.headers, 'x-auth-token': 'dead' } })
  assert.equal(answer.status, 200)
})

test('a login that lost a race is judged again as a whole, and mints one token', async () => {
  const { ask, realm, passwords } = await openIdentity()
  let revoked = 0
  passwords.meanwhile = async () => {
    if (revoked > 0) return
    revoked += 1
    await cutoff(realm, 'subject', { source: IDENTITY, subject: 'id-ann' })
  }
  const { token } = await accessOf(await ask(passwordLogin('ann')))
  assert.equal(passwords.asked.length, 2)
  assert.equal((await ask(as(token.id, 'GET', `/v2.0/tokens/${token.id}`))).status, 200)
})

test('a login judged before the user was disabled mints nothing', async () => {
  const { ask, realm, passwords } = await openIdentity()
  passwords.meanwhile = async () => {
    if (passwords.asked.length > 1) return
    await changeUser(realm, 'id-ann', { enabled: false })
    await cutoff(realm, 'tenant', { source: IDENTITY, tenant: '900100' })
  }
  assert.equal((await ask(passwordLogin('ann'))).status, 403)
})

test('[H02] a login right after "revoke all of this user", in the same millisecond, works', async () => {
  const { login, ask, realm } = await openIdentity()
  const before = await login('ann')
  await cutoff(realm, 'subject', { source: IDENTITY, subject: 'id-ann' })
  const after = await login('ann')
  assert.equal((await ask(as(before, 'GET', `/v2.0/tokens/${before}`))).status, 401)
  assert.equal((await ask(as(after, 'GET', `/v2.0/tokens/${after}`))).status, 200)
})

async function cutoff(realm: Realm, shape: CutoffShape, principals: Principals): Promise<void> {
  const standing = { source: 'control', ancestors: [], position: realm.position(), expiresAtMs: 9e15 }
  const caller = { id: 'control:test', from: 'local', dependency: { realm: realm.ordinal, facts: standing } }
  const revoked = await revokePrincipals(realm, { shape, principals }, { caller, how: 'test' })
  assert.equal(revoked.kind, 'revoked')
}

test('while a hold is in force its users cannot log in, and after its release they can', async () => {
  const { ask, realm } = await openIdentity()
  const target = {
    kind: 'cut',
    shape: 'subject',
    principals: { source: IDENTITY, subject: 'id-ann' },
  } as const
  await append(realm, { kind: 'hold', id: 'h1', target })
  assert.equal((await ask(passwordLogin('ann'))).status, 403)
  assert.equal((await ask(passwordLogin('bob'))).status, 200)
  await append(realm, { kind: 'release', id: 'h1' })
  assert.equal((await ask(passwordLogin('ann'))).status, 200)
})

test('a full password queue and a store that is down are outages, not answers', async () => {
  const { ask, passwords, power } = await openIdentity()
  passwords.isFull = true
  await assert.rejects(ask(passwordLogin('ann')), Overloaded)
  passwords.isFull = false
  power.isDown = true
  await assert.rejects(ask(passwordLogin('ann')), StoreUnavailable)
  power.isDown = false
  assert.equal((await ask(passwordLogin('ann'))).status, 200)
})

test('a token expires exactly at its lifetime', async () => {
  const { login, ask, clock } = await openIdentity({ tokenLifeSeconds: 60 })
  const token = await login('ann')
  clock.advance(59_999)
  assert.equal((await ask(as(token, 'GET', `/v2.0/tokens/${token}`))).status, 200)
  clock.advance(1)
  assert.equal((await ask(as(token, 'GET', `/v2.0/tokens/${token}`))).status, 401)
})

test('neither the token nor a secret appears in the log or the records', async () => {
  const { login, realm, store } = await openIdentity()
  const token = await login('ann')
  const { records } = await store.records(realm.ordinal, {
    collection: 'identityUsers',
    after: undefined,
    limit: 100,
  })
  const { records: tokens } = { records: await store.expiredTokens(Number.MAX_SAFE_INTEGER, 100) }
  const kept = JSON.stringify([records, tokens, await store.rowsAfter(realm.ordinal, 0, 1_000)])
  assert.ok(!kept.includes(token))
  assert.ok(!kept.includes('key-ann'))
})

test('[Q10] an answer to a login forbids caching, and has Vary', async () => {
  const { ask } = await openIdentity()
  const { headers, body } = await ask(passwordLogin('ann'))
  assert.deepEqual(headers, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    vary: 'Accept, Accept-Encoding, X-Auth-Token',
  })
  assert.equal(typeof body, 'string')
  const refused = await ask({ ...passwordLogin('ann'), body: '{}' })
  assert.deepEqual(Object.keys((await bodyJson(refused)) as object), ['badRequest'])
})
