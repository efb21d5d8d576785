import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { jsonOf, memberAt, succeeded, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { GATEWAY, SVC } from '../kit/seed.ts'

// What ends a leak is a responder's; making and enabling are an admin's.

const { calls } = await openForFile({ time: 'hand', flags: ['--control-rate', '0'] })
let responder = ''
let issuerPath = ''

const JWK = {
  ...{ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' },
  // The public key of RFC 7515, appendix A.3.
  ...{ x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU', y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0' },
}

before(async () => {
  responder = await keyOf('responder')
  const issuer = { issuer: 'https://idp.example', keys: [JWK], algorithms: ['ES256'] }
  issuerPath = `/issuers/${textAt(await done('POST /issuers', issuer), 'id')}`
  await done('POST /chat-apps', { name: 'leaky' })
  await done('POST /clients', { clientId: 'leaky', grantTypes: ['client_credentials'], scopes: ['read'] })
  await done('POST /check-profiles', { name: 'leaky' })
})

async function done(line: string, body?: unknown): Promise<RawAnswer> {
  return succeeded(await calls.control(line, body), line)
}

async function keyOf(role: string, realm?: string): Promise<string> {
  const body = { name: `a ${role}`, role, ...(realm === undefined ? {} : { realm }) }
  return `Authorization: Bearer ${textAt(await done('POST /keys', body), 'key')}`
}

function respond(line: string, body?: unknown): Promise<RawAnswer> {
  return calls.control(line, body, responder)
}

test('a responder disables a client, and only an admin lets it in again', async () => {
  const { access } = await calls.oauthGrant('alice')
  assert.equal((await respond('PATCH /clients/svc', { enabled: false, reason: 'leak' })).status, 200)
  assert.equal(await calls.isActive(GATEWAY, access), false)
  assert.equal((await respond('PATCH /clients/svc', { enabled: true })).status, 403)
  assert.equal((await respond('POST /clients/svc/enable', {})).status, 403)
  await done('POST /clients/svc/enable', {})
  assert.equal((await respond('POST /clients/svc/disable', {})).status, 200)
  await done('POST /clients/svc/enable', {})
})

test('a responder replaces a leaked secret only together with all that it got', async () => {
  for (const body of [undefined, {}, { overlapSeconds: 0 }, { revokeTokens: false }])
    assert.equal((await respond('POST /clients/leaky/secrets', body)).status, 403, JSON.stringify(body))
  const rotated = await respond('POST /clients/leaky/secrets', { revokeTokens: true, reason: 'leak' })
  assert.equal(rotated.status, 201)
  const [secret] = memberAt(rotated, 'secrets') as readonly { readonly id: string }[]
  assert.equal((await respond(`DELETE /clients/leaky/secrets/${secret?.id}`)).status, 200)
})

test('a responder retires and ends keys of apps and verifiers, and makes none', async () => {
  await done('POST /chat-apps/leaky/rotate')
  await done('POST /verifiers/orders-api/rotate')
  for (const line of ['POST /chat-apps/leaky/rotate', 'POST /verifiers/orders-api/rotate'])
    assert.equal((await respond(line)).status, 403, line)
  assert.equal((await respond('POST /chat-apps/leaky/retire')).status, 200)
  assert.equal((await respond('POST /verifiers/orders-api/retire')).status, 204)
  const apiKey = randomBytes(32).toString('base64')
  assert.equal((await respond('PATCH /chat-apps/leaky', { apiKey })).status, 403)
  assert.equal((await respond('PATCH /chat-apps/leaky', { apiKey, revokeTokens: true })).status, 200)
  assert.equal((await respond('POST /verifiers', { name: 'new' })).status, 403)
  assert.equal((await respond('DELETE /verifiers/orders-api')).status, 204)
})

test('a responder revokes a signing key', async () => {
  await done('POST /signing-keys/rotate', {})
  const { signingKeys } = jsonOf(await calls.control('GET /signing-keys')) as {
    readonly signingKeys: readonly { readonly keyId: string; readonly state: string }[]
  }
  const active = signingKeys.find(({ state }) => state === 'active')?.keyId ?? ''
  assert.equal((await respond('POST /signing-keys/rotate', {})).status, 403)
  assert.equal((await respond(`POST /signing-keys/${active}/revoke`, {})).status, 200)
})

test('a responder ends control keys of roles up to its own, and no admin key', async () => {
  const ids = async (role: string): Promise<string> =>
    textAt(await done('POST /keys', { name: 'leaked', role, owner: 'ann' }), 'id')
  for (const role of ['metrics', 'viewer', 'responder'])
    assert.equal((await respond(`DELETE /keys/${await ids(role)}`)).status, 204, role)
  assert.equal((await respond(`DELETE /keys/${await ids('admin')}`)).status, 403)
  assert.equal((await respond('DELETE /keys/first')).status, 403)
  assert.equal((await respond('POST /keys', { name: 'k', role: 'viewer' })).status, 403)
})

test('a responder of one realm ends no key of another', async () => {
  await done('POST /realms', { name: 'branch' })
  const own = await keyOf('responder', 'branch')
  const { keys } = jsonOf(await calls.control('GET /keys')) as {
    readonly keys: readonly { readonly id: string }[]
  }
  for (const { id } of keys.filter((_, nth) => nth < 3))
    assert.equal((await calls.control(`DELETE /keys/${id}`, undefined, own)).status, 404)
})

type Shape = { readonly properties?: Readonly<Record<string, unknown>> }
type Patch = { readonly path: string; readonly members: readonly string[] }

const OPERATION = {
  '/clients/{clientId}': () => '/clients/svc',
  '/issuers/{issuerId}': () => issuerPath,
  '/chat-apps/{name}': () => '/chat-apps/leaky',
  '/check-profiles/{name}': () => '/check-profiles/leaky',
  '/settings': () => '/settings',
  '/realms/{name}': () => '/realms/branch',
  '/identity-users/{userId}': () => '/identity-users/78',
} as const

/** Every PATCH of the API, with the members that its body may have. */
async function patches(): Promise<readonly Patch[]> {
  const { paths, components } = jsonOf(await calls.control('GET /openapi.json')) as {
    readonly paths: Readonly<Record<string, { readonly patch?: { readonly requestBody: unknown } }>>
    readonly components: { readonly schemas: Readonly<Record<string, Shape>> }
  }
  return Object.entries(paths).flatMap(([template, { patch }]) => {
    if (patch === undefined) return []
    const { content } = patch.requestBody as {
      readonly content: Readonly<Record<string, { readonly schema: Shape & { readonly $ref?: string } }>>
    }
    const schema = content['application/json']?.schema
    const named = components.schemas[schema?.$ref?.split('/').at(-1) ?? '']
    const members = Object.keys((named ?? schema)?.properties ?? {})
    const below = template.slice('/control/v1'.length)
    return [{ path: below, members }]
  })
}

const VALUES = fc.oneof(
  fc.boolean(),
  fc.constantFrom(
    null,
    0,
    1,
    3_600,
    'a',
    'https://idp.example/keys',
    [],
    ['*'],
    ['ES256'],
    [JWK],
    {},
    'read write',
  ),
)

/** The members that a responder's PATCH may change, and to what. */
function narrowed(before_: object, after_: object): object {
  const { enabled } = after_ as { readonly enabled?: boolean }
  const state = 'state' in before_ ? { state: 'disabled' } : {}
  return enabled === false ? { ...before_, enabled: false, ...state } : before_
}

test('no PATCH of a responder makes anything live again or wider', async () => {
  const all = (await patches()).map(({ path, members }) => {
    const at = (OPERATION as Readonly<Record<string, (() => string) | undefined>>)[path]
    // A new PATCH is named above, so that it is tried here.
    assert.ok(at !== undefined, `${path} is tried by no test`)
    return { path: at(), members }
  })
  assert.ok(all.length >= 5)
  await done('PATCH /chat-apps/leaky', { enabled: false })
  await done('PATCH /realms/branch', { enabled: false })
  let accepted = 0
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...all).chain(({ path, members }) => {
        const body = fc.dictionary(fc.constantFrom(...members), VALUES, { maxKeys: 3 })
        const ending = fc.record({ enabled: fc.boolean(), revokeTokens: fc.boolean() }, { requiredKeys: [] })
        return fc.tuple(
          fc.constant(path),
          fc.oneof(
            body,
            ending,
            fc.tuple(body, ending).map(([a, b]) => ({ ...a, ...b })),
          ),
        )
      }),
      async ([path, body]) => {
        const before_ = jsonOf(await calls.control(`GET ${path}`)) as object
        const { status } = await respond(`PATCH ${path}`, body)
        const after_ = jsonOf(await calls.control(`GET ${path}`)) as object
        assert.ok([200, 403, 422].includes(status), `${path} ${status}`)
        if (status === 200) accepted += 1
        assert.deepEqual(after_, status === 200 ? narrowed(before_, after_) : before_)
        if (path === '/clients/svc') await calls.control('POST /clients/svc/enable', {})
      },
    ),
    { numRuns: 300 },
  )
  assert.ok(accepted > 10, `${accepted} of them passed`)
})

test("a realm's own key scrapes nothing, because the metrics are about all realms", async () => {
  const own = { name: 'own', realm: 'default' }
  for (const role of ['viewer', 'admin']) {
    const key = textAt(await done('POST /keys', { ...own, role }), 'key')
    const scraped = await calls.send('GET /metrics', [`Authorization: Bearer ${key}`])
    assert.equal(scraped.status, 403)
    assert.doesNotMatch(scraped.body.toString(), /rescind_/)
  }
  assert.equal((await calls.control('POST /keys', { ...own, role: 'metrics' })).status, 422)
})

test('a key that only scrapes calls nothing else', async () => {
  const metrics = await keyOf('metrics')
  const scraped = await calls.send('GET /metrics', [metrics])
  assert.equal(scraped.status, 200)
  const { paths } = jsonOf(await calls.control('GET /openapi.json')) as {
    readonly paths: Readonly<Record<string, object>>
  }
  for (const [template, methods] of Object.entries(paths))
    for (const method of Object.keys(methods)) {
      const line = `${method.toUpperCase()} ${template.replaceAll(/\{\w+\}/g, 'x')}`
      const { status } = await calls.json(line, method === 'get' ? undefined : {}, metrics)
      assert.equal(status, 403, line)
    }
  assert.equal((await calls.oauthRefresh(SVC, metrics)).status, 400)
})
