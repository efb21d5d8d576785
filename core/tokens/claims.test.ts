import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../bytes/strict-json.ts'
import { confirmationOf, credentialOfClaims, scopesOfClaims } from './credential.ts'
import { foreignKindOf } from './foreign-kind.ts'

test('[W7] scope claims are read in one way: text or list, scope before scp, and nothing else grants anything', () => {
  const cases: readonly (readonly [JsonObject, readonly string[]])[] = [
    [{ scope: 'read write' }, ['read', 'write']],
    [{ scope: ['read'] }, ['read']],
    [{ scp: 'read' }, ['read']],
    [{ scp: ['read', 'write'] }, ['read', 'write']],
    [{ scope: ['read write', 'x'] }, ['read', 'write', 'x']],
    [{ scope: ' read  ' }, ['read']],
    [{ scope: 'read', scp: ['admin'] }, ['read']],
    [{ scope: '', scp: ['admin'] }, []],
    [{ scope: null, scp: ['read'] }, ['read']],
    [{ scope: 7 }, []],
    [{ scope: { read: true } }, []],
    [{ scope: ['read', 7, null, ['admin']] }, ['read']],
    [{}, []],
  ]
  for (const [claims, scopes] of cases)
    assert.deepEqual(scopesOfClaims(claims), scopes, JSON.stringify(claims))
})

test('[W9] a JWT of an issuer is an access token under three values of typ only', () => {
  for (const typ of [undefined, 'jwt', 'at+jwt'])
    assert.equal(foreignKindOf(typed(typ)), 'foreign', String(typ))
  const others = [
    ...['logout+jwt', 'secevent+jwt', 'dpop+jwt', 'oauth-authz-req+jwt', 'token-introspection+jwt', 'kb+jwt'],
    ...[
      'statuslist+jwt',
      'id+jwt',
      'vc+sd-jwt',
      'entity-statement+jwt',
      'jose',
      'jwt ',
      'at+jwt;x',
      'something+jwt',
      '',
    ],
  ]
  for (const typ of others) assert.equal(foreignKindOf(typed(typ)), 'foreign-other', typ)
})

test('[M06] [W9] ID, refresh, logout, event and introspection tokens with typ JWT are recognised by their claims', () => {
  const others: readonly JsonObject[] = [
    ...[{ at_hash: 'x' }, { c_hash: 'x' }, { s_hash: 'x' }, { nonce: 'n', at_hash: 'x' }],
    ...['ID', 'Refresh', 'Offline', 'Logout', 'id'].map((typ) => ({ typ })),
    ...[{ typ: ['ID'] }, { token_use: ['access', 'id'] }],
    ...[{ token_use: 'id' }, { token_use: 'refresh' }, { token_type: 'refresh' }],
    { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
    ...[{ token_introspection: { active: true } }, { status_list: {} }],
  ]
  for (const claims of others)
    assert.equal(foreignKindOf({ claims }), 'foreign-other', JSON.stringify(claims))
  // What Keycloak, Cognito, Entra, Auth0 and others write into access tokens; `nonce` alone proves nothing.
  const access: readonly JsonObject[] = [
    ...[{}, { nonce: 'n' }, { typ: 'Bearer' }, { token_use: 'access' }, { token_type: 'Bearer' }, { typ: 7 }],
    { azp: 'shop', sid: 's', acr: '1', auth_time: 1, preferred_username: 'ann' },
  ]
  for (const claims of access) assert.equal(foreignKindOf({ claims }), 'foreign', JSON.stringify(claims))
})

test('[W9] an issuer can be held to fewer types, never to more', () => {
  assert.equal(foreignKindOf(typed('jwt'), ['at+jwt']), 'foreign-other')
  assert.equal(foreignKindOf(typed(undefined), ['at+jwt']), 'foreign-other')
  assert.equal(foreignKindOf(typed('at+jwt'), ['at+jwt']), 'foreign')
  assert.equal(foreignKindOf(typed(undefined), ['none']), 'foreign')
  assert.equal(foreignKindOf(typed('none')), 'foreign-other', 'saying none is not saying nothing')
  assert.equal(foreignKindOf(typed('jwt'), []), 'foreign-other', 'a list of which nothing is understood')
})

test('[W10] a binding in an unknown form still binds', () => {
  assert.deepEqual(confirmationOf({ jkt: 'x' }), { jkt: 'x' })
  for (const cnf of ['x', 7, true, [], ['x']]) assert.deepEqual(confirmationOf(cnf), {})
  for (const cnf of [undefined, null]) assert.equal(confirmationOf(cnf), undefined)
})

test('[H4] a JWT of ours whose only audience is its issuer names no audience', () => {
  const audienceOf = (claims: JsonObject): readonly string[] | undefined =>
    credentialOfClaims('oauth', claims).audience
  assert.equal(audienceOf({ iss: 'https://r', aud: 'https://r' }), undefined)
  assert.equal(audienceOf({ iss: 'https://r', aud: ['https://r'] }), undefined)
  assert.deepEqual(audienceOf({ iss: 'https://r', aud: ['https://r', 'https://a'] }), [
    'https://r',
    'https://a',
  ])
  assert.deepEqual(audienceOf({ iss: 'https://r', aud: 'https://a' }), ['https://a'])
})

function typed(typ: string | undefined): { readonly typ?: string; readonly claims: JsonObject } {
  return { ...(typ === undefined ? {} : { typ }), claims: {} }
}
