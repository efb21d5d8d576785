import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decide, openVerifier, type Verifier } from '@rescind/verifier'
import { Provider } from '../kit/provider.ts'
import { SEED } from '../kit/seed.ts'
import { type Client, type Members, OauthWorld } from '../kit/world-oauth.ts'

const KEY = 'orders-api-key-0123456789'
const READER = { audience: 'any', scopes: ['read'] }

let world: OauthWorld
let verifier: Verifier
let any: Client
const providers: Provider[] = []

before(async () => {
  world = await OauthWorld.openReal(SEED, ['--allow-internal-fetch'])
  any = await world.client('any', { introspect: 'any' })
  assert.equal((await world.control('PUT', '/check-profiles/reader', { scopes: ['read'] })).status, 201)
  const shown = { constraint: 'report', audience: ['api'], withoutAudience: true }
  assert.equal((await world.control('PUT', '/check-profiles/shown', shown)).status, 201)
  verifier = openVerifier({ url: world.server.url, key: KEY })
  await verifier.ready()
})
after(async () => {
  await verifier.close()
  for (const provider of providers) provider.close()
  await world.close()
})

async function register(
  name: string,
  more: Members = {},
  keys: 'fetched' | 'inline' = 'fetched',
): Promise<{ idp: Provider; id: string }> {
  const idp = await Provider.open(`https://${name}.example/`, () => Math.floor(Date.now() / 1_000))
  providers.push(idp)
  const source = keys === 'inline' ? { keys: [idp.jwk] } : { jwksUrl: idp.jwksUrl }
  const made = await world.control('POST', '/issuers', { issuer: idp.issuer, ...source, ...more })
  assert.equal(made.status, 201, made.text)
  return { idp, id: String(made.body['id']) }
}

/** What four readers say of a token in one line: a guard, /check, introspection and the control API. */
async function said(token: string, options = READER, profile = 'reader'): Promise<string> {
  const decision = await decide(verifier, `Bearer ${token}`, options)
  const authorization = `Bearer ${token}`
  const gateway = await world.send(`/check/p/${profile}`, { headers: { authorization } })
  const introspected = await world.introspect(any, token)
  const verified = await world.control('POST', '/verify', { token })
  const { kind, why } = verified.body['verdict'] as { kind: string; why?: string }
  return [
    decision.kind === 'pass' ? 200 : decision.denial.status,
    gateway.status,
    introspected.body['active'],
    why ?? kind,
  ].join(' ')
}

const LIVE = '200 200 true active'
const TOO_LITTLE = '403 403 true active'
const NO_ACCESS = '401 401 false not_access'

test('[W1] a token of a key that this process does not know yet is fully judged, with scope and audience', async () => {
  const { idp, id } = await register('rotating', { claims: { client: 'azp' } }, 'inline')
  const first = idp.jwk
  assert.equal(await said(await idp.sign({ scope: 'read' })), LIVE)
  await idp.rotate('two')
  // The server knows both keys from now on; this process learns of them with its next configuration.
  const both = await world.control('PATCH', `/issuers/${id}`, { keys: [idp.jwk, first] })
  assert.equal(both.status, 200, both.text)
  const about = { azp: 'shop', aud: ['api', 'b'], cnf: { jkt: 'thumb' }, scp: ['read', 'write'] }
  const token = await idp.sign(about, 'at+jwt')
  const result = await verifier.verify(token)
  assert.ok(result.kind === 'active')
  const { tokenKind, client, audience, cnf, scopes } = result
  assert.deepEqual(
    { tokenKind, client, audience, cnf, scopes },
    {
      tokenKind: 'foreign',
      client: 'shop',
      audience: ['api', 'b'],
      cnf: { jkt: 'thumb' },
      scopes: ['read', 'write'],
    },
  )
  assert.equal(await said(await idp.sign({ scope: 'read' })), LIVE)
  assert.equal(await said(await idp.sign({ scope: 'write' })), TOO_LITTLE)
  assert.equal(await said(await idp.sign({ scope: 'read', at_hash: 'x' })), NO_ACCESS)
})

test('[W7] every reader reads scopes the same way', async () => {
  const { idp } = await register('scoped')
  for (const claims of [
    ...[{ scope: 'read' }, { scope: ['read'] }, { scp: 'read write' }, { scp: ['read', 'write'] }],
    ...[{ scope: ['read write'] }, { scope: 'read', scp: [] }],
  ])
    assert.equal(await said(await idp.sign(claims)), LIVE, JSON.stringify(claims))
  for (const claims of [
    ...[{}, { scope: '' }, { scope: 'reader' }, { scope: 'write', scp: 'read' }, { scope: { read: true } }],
    ...[{ scope: 7 }, { scope: [['read']] }, { scopes: ['read'] }],
  ])
    assert.equal(await said(await idp.sign(claims)), TOO_LITTLE, JSON.stringify(claims))
})

test('[W8] introspection of a foreign token shows its scope, audience and key binding', async () => {
  const { idp } = await register('told')
  const cnf = { 'x5t#S256': 'thumb' }
  const { body } = await world.introspect(
    any,
    await idp.sign({ scp: ['read', 'write'], aud: ['a', 'b'], cnf }),
  )
  assert.deepEqual([body['scope'], body['aud'], body['cnf']], ['read write', ['a', 'b'], cnf])
  const plain = await world.introspect(any, await idp.sign({ aud: 'a' }))
  assert.deepEqual([plain.body['scope'], plain.body['aud'], plain.body['cnf']], [undefined, 'a', undefined])
})

test('[W9] a foreign JWT that is not an access token is refused by every reader, and can still be revoked', async () => {
  const { idp } = await register('much')
  for (const typ of [
    'logout+jwt',
    'application/secevent+jwt',
    'DPOP+JWT',
    'statuslist+jwt',
    'made-up+jwt',
    'none',
  ])
    assert.equal(await said(await idp.sign({ scope: 'read' }, typ)), NO_ACCESS, typ)
  for (const typ of ['JWT', 'jwt', 'application/at+jwt', 'AT+JWT'])
    assert.equal(await said(await idp.sign({ scope: 'read' }, typ)), LIVE, typ)
  const token = await idp.sign({ scope: 'read', token_use: 'id' })
  assert.equal(await said(token), NO_ACCESS)
  const revoked = await world.control('POST', '/revocations', { target: { token }, reason: 'leak' })
  assert.equal(revoked.status, 201, revoked.text)
  assert.equal(await said(token), '401 401 false revoked')
})

test('[W9] an issuer can be restricted to at+jwt, which ends tokens that were accepted before', async () => {
  const { idp, id } = await register('strict')
  const before = await idp.sign({ scope: 'read' })
  assert.equal(await said(before), LIVE)
  const path = `/issuers/${id}`
  const narrowed = await world.control('PATCH', path, { types: ['application/at+jwt'], skewSeconds: 0 })
  assert.deepEqual([narrowed.status, narrowed.body['types']], [200, ['at+jwt']], narrowed.text)
  assert.equal(
    (await world.control('POST', '/verify', { token: before })).body['verdict'] !== undefined,
    true,
  )
  const old = await world.control('POST', '/verify', { token: before })
  assert.deepEqual(old.body['verdict'], { kind: 'inactive', why: 'revoked' })
  assert.equal((await world.control('PATCH', path, { types: null })).body['types'], undefined)
  for (const types of [[], ['logout+jwt'], 'JWT', ['id+jwt', 'JWT']])
    assert.equal((await world.control('PATCH', path, { types })).status, 422, JSON.stringify(types))
})

test('[W10] a key-bound token is refused as a bearer token unless the service checks the proof itself', async () => {
  const { idp } = await register('bound')
  for (const cnf of [{ jkt: 'x' }, { 'x5t#S256': 'x' }, { kid: 'k' }, 'not an object']) {
    const token = await idp.sign({ scope: 'read', aud: 'api', cnf })
    assert.equal(await said(token), '401 401 true active', JSON.stringify(cnf))
    const reported = { ...READER, constraint: 'report' as const }
    assert.equal(await said(token, reported, 'shown'), LIVE, JSON.stringify(cnf))
  }
  assert.equal(await said(await idp.sign({ scope: 'read', cnf: null })), LIVE, 'bound to nothing at all')
})

test('an audience in an unreadable form does not count as absent', async () => {
  const { idp } = await register('odd')
  for (const aud of [7, {}, [7], ['api', 7], true]) {
    assert.equal(
      await said(await idp.sign({ scope: 'read', aud })),
      '401 401 false unknown',
      JSON.stringify(aud),
    )
  }
  assert.equal(
    await said(await idp.sign({ scope: 'read', aud: [] })),
    LIVE,
    'for nobody: whatever audience is asked for',
  )
  assert.equal(
    await said(await idp.sign({ aud: [] }), { audience: 'api', scopes: [] }, 'shown'),
    '401 401 true active',
  )
})
