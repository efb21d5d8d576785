import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseStrictObject } from '../../wire/strict-json.ts'
import { CREDENTIAL_MAX, type Login, type Malformed, parseLogin } from './credentials.ts'

const PASSWORD = { username: 'ann', password: 'pw' }
const KEY = { username: 'ann', apiKey: 'k' }
const KSKEY = 'RAX-KSKEY:apiKeyCredentials'

const parse = (value: unknown) => parseText(JSON.stringify(value))
function parseText(text: string): Login | Malformed {
  const body = parseStrictObject(Buffer.from(text))
  return body === undefined ? { kind: 'malformed', detail: 'no object' } : parseLogin(body)
}
const tenantOf = (auth: object) => {
  const login = parse({ auth })
  return login.kind === 'login' ? login.tenant : login.kind
}

test('the forms that clients send are accepted', () => {
  const byName = { kind: 'password', user: { by: 'name', value: 'ann' }, password: 'pw' }
  const expected = { kind: 'login', credentials: byName, tenant: undefined, isSetupMfa: false }
  assert.deepEqual(parse({ auth: { passwordCredentials: PASSWORD } }), expected)
  const byId = parse({ auth: { passwordCredentials: { userId: '77', password: 'pw' } } })
  assert.deepEqual(byId, { ...expected, credentials: { ...byName, user: { by: 'id', value: '77' } } })
  assert.deepEqual(parse({ auth: { [KSKEY]: KEY } }), {
    kind: 'login',
    credentials: { kind: 'api-key', user: { by: 'name', value: 'ann' }, apiKey: 'k' },
    tenant: undefined,
    isSetupMfa: false,
  })
  const token = parse({ auth: { token: { id: 'x' }, tenantId: 't' } })
  assert.deepEqual(token.kind === 'login' && token.credentials, { kind: 'token', id: 'x' })
  const passcode = parse({ auth: { 'RAX-AUTH:passcodeCredentials': { passcode: '1' } } })
  assert.deepEqual(passcode.kind === 'login' && passcode.credentials, { kind: 'passcode', passcode: '1' })
  const setup = parse({ auth: { passwordCredentials: PASSWORD, 'RAX-AUTH:scope': 'SETUP-MFA' } })
  assert.equal(setup.kind === 'login' && setup.isSetupMfa, true)
})

test('a tenant is read beside the credentials, inside them, or equal in both', () => {
  const named = { by: 'name', value: 't' }
  assert.deepEqual(tenantOf({ passwordCredentials: PASSWORD, tenantName: 't' }), named)
  assert.deepEqual(tenantOf({ passwordCredentials: { ...PASSWORD, tenantName: 't' } }), named)
  assert.deepEqual(
    tenantOf({ passwordCredentials: { ...PASSWORD, tenantName: 't' }, tenantName: 't' }),
    named,
  )
  assert.deepEqual(tenantOf({ [KSKEY]: KEY, tenantId: 't' }), { by: 'id', value: 't' })
})

test('unknown members are ignored', () => {
  const auth = { passwordCredentials: { ...PASSWORD, email: 'x' }, target: { user: 1 }, is_admin: true }
  assert.equal(parse({ auth, user_id: 'root' }).kind, 'login')
})

// Empty names and numeric ids: no decision depends on their form.
test('[W29] a null or empty tenant or user counts as absent, and a number as its digits', () => {
  for (const nothing of [null, ''])
    for (const name of ['tenantId', 'tenantName']) {
      assert.equal(tenantOf({ passwordCredentials: PASSWORD, [name]: nothing }), undefined)
      assert.equal(tenantOf({ passwordCredentials: { ...PASSWORD, [name]: nothing } }), undefined)
      assert.equal(tenantOf({ [KSKEY]: KEY, [name]: nothing }), undefined)
      const other = name === 'tenantId' ? 'tenantName' : 'tenantId'
      const by = other === 'tenantId' ? 'id' : 'name'
      assert.deepEqual(tenantOf({ passwordCredentials: PASSWORD, [name]: nothing, [other]: 't' }), {
        by,
        value: 't',
      })
      assert.deepEqual(tenantOf({ passwordCredentials: { ...PASSWORD, [name]: nothing }, [name]: 't' }), {
        by: name === 'tenantId' ? 'id' : 'name',
        value: 't',
      })
    }
  assert.deepEqual(tenantOf({ passwordCredentials: PASSWORD, tenantId: 900100 }), {
    by: 'id',
    value: '900100',
  })
  assert.deepEqual(tenantOf({ passwordCredentials: PASSWORD, tenantName: 900100 }), {
    by: 'name',
    value: '900100',
  })
  assert.deepEqual(tenantOf({ passwordCredentials: { ...PASSWORD, tenantId: 900100 }, tenantId: '900100' }), {
    by: 'id',
    value: '900100',
  })
  for (const username of [null, '']) {
    const byId = parse({ auth: { passwordCredentials: { username, userId: 77, password: 'pw' } } })
    assert.deepEqual(byId.kind === 'login' && byId.credentials, {
      kind: 'password',
      user: { by: 'id', value: '77' },
      password: 'pw',
    })
  }
})

const REFUSED: readonly [string, unknown][] = [
  ['no object', []],
  ['no auth', {}],
  ['auth is null', { auth: null }],
  ['auth is a list', { auth: [] }],
  ['no credentials', { auth: {} }],
  ['v3 credentials', { auth: { identity: { methods: ['password'] } } }],
  ['two kinds', { auth: { passwordCredentials: PASSWORD, [KSKEY]: KEY } }],
  ['a token beside', { auth: { passwordCredentials: PASSWORD, token: { id: 'x' } } }],
  ['an unknown kind beside', { auth: { passwordCredentials: PASSWORD, 'X:otherCredentials': {} } }],
  ['a token without an id', { auth: { token: {} } }],
  ['a passcode that is a number', { auth: { 'RAX-AUTH:passcodeCredentials': { passcode: 1 } } }],
  ['a scope that is null', { auth: { passwordCredentials: PASSWORD, 'RAX-AUTH:scope': null } }],
  ['a trust that is null', { auth: { passwordCredentials: PASSWORD, trust_id: null } }],
  ['another kind that is null', { auth: { passwordCredentials: PASSWORD, token: null } }],
  ['no name but null', { auth: { passwordCredentials: { username: null, password: 'pw' } } }],
  ['another scope', { auth: { passwordCredentials: PASSWORD, 'RAX-AUTH:scope': 'ALL' } }],
  ['a scope for a key', { auth: { [KSKEY]: KEY, 'RAX-AUTH:scope': 'SETUP-MFA' } }],
  ['another domain', { auth: { passwordCredentials: PASSWORD, 'RAX-AUTH:domain': { name: 'Rackspace' } } }],
  ['a trust', { auth: { passwordCredentials: PASSWORD, trust_id: 't' } }],
  ['credentials are text', { auth: { passwordCredentials: 'ann' } }],
  ['no password', { auth: { passwordCredentials: { username: 'ann' } } }],
  ['no user', { auth: { passwordCredentials: { password: 'pw' } } }],
  ['two users', { auth: { passwordCredentials: { ...PASSWORD, userId: '77' } } }],
  ['no key', { auth: { [KSKEY]: { username: 'ann' } } }],
  ['a key by user id', { auth: { [KSKEY]: { userId: '77', apiKey: 'k' } } }],
  ['both tenants', { auth: { passwordCredentials: PASSWORD, tenantId: 't', tenantName: 't' } }],
  ['both tenants, split', { auth: { passwordCredentials: { ...PASSWORD, tenantId: 't' }, tenantName: 't' } }],
  ['two tenant ids', { auth: { passwordCredentials: { ...PASSWORD, tenantId: 't' }, tenantId: 'u' } }],
]

for (const [name, body] of REFUSED)
  test(`a login is refused: ${name}`, () => assert.equal(parse(body).kind, 'malformed'))

test('names, tenants and secrets that are not text or too long are refused, and so are empty secrets', () => {
  const bad: unknown[] = [-1, 1.5, 2 ** 53, true, [], {}, 'x'.repeat(CREDENTIAL_MAX + 1)]
  for (const value of [...bad, null, 1, '']) {
    assert.equal(parse({ auth: { passwordCredentials: { ...PASSWORD, password: value } } }).kind, 'malformed')
    assert.equal(parse({ auth: { [KSKEY]: { ...KEY, apiKey: value } } }).kind, 'malformed')
    assert.equal(parse({ auth: { token: { id: value } } }).kind, 'malformed')
  }
  for (const value of bad) {
    assert.equal(parse({ auth: { passwordCredentials: { ...PASSWORD, username: value } } }).kind, 'malformed')
    assert.equal(parse({ auth: { [KSKEY]: KEY, tenantId: value } }).kind, 'malformed')
    assert.equal(parse({ auth: { [KSKEY]: { ...KEY, tenantName: value } } }).kind, 'malformed')
  }
  for (const value of [null, '']) {
    assert.equal(parse({ auth: { passwordCredentials: { ...PASSWORD, username: value } } }).kind, 'malformed')
    assert.equal(parse({ auth: { [KSKEY]: { ...KEY, username: value } } }).kind, 'malformed')
  }
  const longest = { ...PASSWORD, password: 'x'.repeat(CREDENTIAL_MAX) }
  assert.equal(parse({ auth: { passwordCredentials: longest } }).kind, 'login')
})

test('a repeated member is refused', () => {
  const body = '{"auth":{"passwordCredentials":{"username":"ann","username":"root","password":"pw"}}}'
  assert.equal(parseText(body).kind, 'malformed')
})

test('no JSON makes the parser throw', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => void parse({ auth: value })))
})
