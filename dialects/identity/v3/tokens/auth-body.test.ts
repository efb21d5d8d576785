import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../wire/strict-json.ts'
import { parseAuth } from './auth-body.ts'

const read = (auth: unknown): ReturnType<typeof parseAuth> =>
  parseAuth(JSON.parse(JSON.stringify({ auth })) as JsonObject)
const ANN = { id: '77', password: 'secret' }
const PASSWORD = { methods: ['password'], password: { user: ANN } }

test('each method is parsed, with users by id, or by name and domain', () => {
  const asked = read({
    identity: {
      methods: ['password', 'totp', 'token', 'application_credential'],
      password: { user: ANN },
      totp: { user: { name: 'ann', domain: { name: 'Default' }, passcode: '123456' } },
      token: { id: 'rsi_x' },
      application_credential: { name: 'ci', secret: 's', user: { name: 'ann', domain: { id: 'default' } } },
    },
  })
  assert.deepEqual(asked, {
    kind: 'auth',
    scope: { kind: 'default' },
    methods: [
      { kind: 'password', user: { by: 'id', value: '77' }, password: 'secret' },
      {
        kind: 'totp',
        user: { by: 'name', value: 'ann', domain: { by: 'name', value: 'Default' } },
        passcode: '123456',
      },
      { kind: 'token', id: 'rsi_x' },
      {
        kind: 'application_credential',
        secret: 's',
        credential: {
          by: 'name',
          name: 'ci',
          user: { by: 'name', value: 'ann', domain: { by: 'id', value: 'default' } },
        },
      },
    ],
  })
})

test('every scope is parsed', () => {
  const scopes: readonly [unknown, unknown][] = [
    ['unscoped', { kind: 'unscoped' }],
    [{ unscoped: {} }, { kind: 'unscoped' }],
    [{ project: { id: 'p' } }, { kind: 'project', project: { by: 'id', value: 'p' } }],
    [
      { project: { name: 'p', domain: { id: 'd' } } },
      { kind: 'project', project: { by: 'name', value: 'p', domain: { by: 'id', value: 'd' } } },
    ],
    [{ domain: { name: 'd' } }, { kind: 'domain', domain: { by: 'name', value: 'd' } }],
    [{ system: { all: true } }, { kind: 'system' }],
    [{ 'OS-TRUST:trust': { id: 't' } }, { kind: 'trust' }],
  ]
  for (const [scope, meant] of scopes) {
    const asked = read({ identity: PASSWORD, scope })
    assert.deepEqual(asked.kind === 'auth' ? asked.scope : asked, meant, JSON.stringify(scope))
  }
})

// Redundant and empty members: an id is enough; null and "" count as absent.
test('[W29] an id decides alone, beside any other members', () => {
  const domain = { id: 'd', name: 'D' }
  const asked = read({
    identity: {
      methods: ['password', 'totp', 'application_credential'],
      password: { user: { id: '77', name: 'bob', domain, password: 's' } },
      totp: { user: { id: '77', name: 'ann', passcode: '1' } },
      application_credential: { id: 'ac', name: 'ci', user: { name: 'ann', domain }, secret: 's' },
    },
    scope: { project: { id: 'p', name: 'q' } },
  })
  assert.deepEqual(asked, {
    kind: 'auth',
    scope: { kind: 'project', project: { by: 'id', value: 'p' } },
    methods: [
      { kind: 'password', user: { by: 'id', value: '77' }, password: 's' },
      { kind: 'totp', user: { by: 'id', value: '77' }, passcode: '1' },
      { kind: 'application_credential', secret: 's', credential: { by: 'id', id: 'ac' } },
    ],
  })
  const scoped = read({ identity: PASSWORD, scope: { domain } })
  assert.deepEqual(scoped.kind === 'auth' && scoped.scope, {
    kind: 'domain',
    domain: { by: 'id', value: 'd' },
  })
})

test('[W29] a null or empty id counts as absent: the name counts, with its domain', () => {
  for (const id of [null, '']) {
    const user = { id, name: 'ann', domain: { id, name: 'D' }, password: 's' }
    const asked = read({
      identity: { methods: ['password'], password: { user } },
      scope: { domain: { id, name: 'D' } },
    })
    assert.deepEqual(asked, {
      kind: 'auth',
      scope: { kind: 'domain', domain: { by: 'name', value: 'D' } },
      methods: [
        {
          kind: 'password',
          user: { by: 'name', value: 'ann', domain: { by: 'name', value: 'D' } },
          password: 's',
        },
      ],
    })
  }
})

test('[W29] a method named twice counts once', () => {
  const asked = read({
    identity: { ...PASSWORD, methods: ['password', 'password', 'password', 'password', 'password'] },
  })
  assert.equal(asked.kind === 'auth' && asked.methods.length, 1)
})

test('extra members that real clients send are ignored', () => {
  assert.equal(read({ identity: PASSWORD, tenantId: '900100', target: { user_id: '1' } }).kind, 'auth')
})

test('an unknown method is not a malformed request', () => {
  assert.equal(read({ identity: { methods: ['saml2'], saml2: {} } }).kind, 'unknown-method')
})

test('missing members, members that are not text, and ambiguous bodies are refused', () => {
  const long = 'x'.repeat(1_025)
  const broken: readonly unknown[] = [
    undefined,
    [],
    {},
    { identity: [] },
    { identity: {} },
    { identity: { methods: [] } },
    { identity: { methods: 'password', password: { user: ANN } } },
    { identity: { methods: [1] } },
    { identity: { methods: ['password'] } },
    { identity: { ...PASSWORD, methods: ['password', 'a', 'b', 'c', 'd'] } },
    { identity: { methods: ['password'], password: { user: { id: '77' } } } },
    { identity: { methods: ['password'], password: { user: { id: '77', password: '' } } } },
    { identity: { methods: ['password'], password: { user: { id: '77', password: long } } } },
    { identity: { methods: ['password'], password: { user: { id: 77, password: 's' } } } },
    { identity: { methods: ['password'], password: { user: { name: 'ann', password: 's' } } } },
    { identity: { methods: ['token'], token: {} } },
    { identity: { methods: ['token'], token: { id: 7 } } },
    { identity: { methods: ['application_credential'], application_credential: { id: 'a' } } },
    { identity: { methods: ['application_credential'], application_credential: { name: 'a', secret: 's' } } },
    { identity: PASSWORD, scope: null },
    { identity: PASSWORD, scope: 'all' },
    { identity: PASSWORD, scope: {} },
    { identity: PASSWORD, scope: { project: { id: 'p' }, domain: { id: 'd' } } },
    { identity: PASSWORD, scope: { project: { name: 'p' } } },
    { identity: PASSWORD, scope: { project: { id: 7, name: 'p', domain: { id: 'd' } } } },
    { identity: PASSWORD, scope: { project: { id: '', name: 'p' } } },
    { identity: PASSWORD, scope: { domain: { id: '', name: null } } },
    { identity: { ...PASSWORD, methods: ['password', 'password', 7] } },
    { identity: PASSWORD, scope: { domain: {} } },
    { identity: PASSWORD, scope: { system: {} } },
    { identity: PASSWORD, scope: { system: { all: 'true' } } },
  ]
  for (const auth of broken) assert.equal(read(auth).kind, 'malformed', JSON.stringify(auth))
})

test('text of the maximum length is accepted', () => {
  assert.equal(
    read({
      identity: { methods: ['password'], password: { user: { id: '7', password: 'x'.repeat(1_024) } } },
    }).kind,
    'auth',
  )
})
