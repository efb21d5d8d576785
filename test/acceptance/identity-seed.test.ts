import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SettingsRefused } from '@rescind/core'
import { openServer } from '../kit/in-process.ts'

const IDENTITY = {
  domains: [{ id: 'blue', name: 'Blue' }],
  tenants: [
    { id: '900100', name: 'acme' },
    { id: 'p1', name: 'web', domainId: 'blue', displayName: 'Web' },
  ],
  roles: [{ id: 'auditor', name: 'auditor-name', description: 'Reads.' }],
  users: [
    {
      id: '77',
      username: 'ann',
      email: 'ann@example.org',
      password: 'ann-password-0123456789',
      apiKey: 'ann-api-key-0123456789',
      tenantId: '900100',
      roles: ['identity:user-admin'],
      grants: [
        { role: 'auditor', tenantId: 'p1' },
        { role: 'reader', system: true },
      ],
      mfa: { totp: 'JBSWY3DPEHPK3PXP' },
    },
    { id: '78', username: 'bob', password: 'bob-password-0123456789', tenantId: '900100' },
  ],
  accounts: [{ id: '900100', mfaEnforcement: 'REQUIRED' }],
  applicationCredentials: [
    {
      id: 'ci',
      name: 'ci',
      userId: '77',
      tenantId: 'p1',
      roles: ['auditor'],
      secret: 'credential-secret-0123456789',
    },
  ],
  catalog: [
    {
      name: 'nova',
      type: 'compute',
      endpoints: [{ region: 'R1', publicUrl: 'https://c.example.org/%(tenant_id)s', versionId: '2' }],
    },
  ],
}

const seedOf = (identity: object) => ({ realms: [{ name: 'default', identity }] })

test('a seed file creates a whole Identity directory', async () => {
  const server = await openServer({ time: 'real', seed: seedOf(IDENTITY) })
  const post = (path: string, auth: object) =>
    fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth }),
    })
  try {
    const password = { username: 'ann', password: 'ann-password-0123456789' }
    const first = await post('/v2.0/tokens', { passwordCredentials: password })
    assert.equal(first.status, 401)
    assert.match(first.headers.get('www-authenticate') ?? '', /^OS-MF sessionId='/)
    const bob = { username: 'bob', password: 'bob-password-0123456789' }
    const refused = await post('/v2.0/tokens', { passwordCredentials: bob })
    assert.equal(refused.status, 403, 'the account demands MFA')
    const key = { username: 'ann', apiKey: 'ann-api-key-0123456789' }
    const login = await post('/v2.0/tokens', { 'RAX-KSKEY:apiKeyCredentials': key, tenantName: 'web' })
    assert.equal(login.status, 200)
    const { access } = (await login.json()) as {
      access: { user: { roles: unknown[] }; serviceCatalog: { type: string; endpoints: object[] }[] }
    }
    assert.deepEqual(access.user.roles.at(-1), {
      id: 'auditor',
      name: 'auditor-name',
      description: 'Reads.',
      tenantId: 'p1',
    })
    assert.deepEqual(access.serviceCatalog[1]?.endpoints, [
      { region: 'R1', tenantId: 'p1', publicURL: 'https://c.example.org/p1', versionId: '2' },
    ])
    const byCredential = await post('/v3/auth/tokens', {
      identity: {
        methods: ['application_credential'],
        application_credential: { id: 'ci', secret: 'credential-secret-0123456789' },
      },
    })
    assert.equal(byCredential.status, 201)
  } finally {
    await server.close()
  }
})

test('a seed with contradictions or unknown references is refused', async () => {
  const [ann] = IDENTITY.users
  for (const identity of [
    { users: [{ ...ann, grants: [{ role: 'x', tenantId: 'p1', system: true }] }] },
    { users: [{ ...ann, grants: [{ role: 'x' }] }] },
    { users: [{ ...ann, grants: [{ role: 'x', system: false }] }] },
    { users: [{ ...ann, mfa: { enforcement: 'required' } }] },
    { users: [{ ...ann, enabled: 'true' }] },
    { tenants: [{ id: 'domain:blue', name: 'x' }] },
    { accounts: [{ id: 'x', mfaEnforcement: 'DEFAULT' }] },
    { catalog: [{ name: 'a', type: 'b', endpoints: [{ region: 'R', publicUrl: 'c.example.org' }] }] },
    { catalogue: [] },
  ])
    await assert.rejects(openServer({ time: 'real', seed: seedOf(identity) }), SettingsRefused)
})
