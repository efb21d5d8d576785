import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { realmOrdinal } from '@rescind/core'
import { jsonOf, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { GATEWAY, SEED } from '../kit/seed.ts'

type Operation = { readonly 'x-rescind-role': string; readonly 'x-rescind-callers': readonly string[] }
type Route = Operation & { readonly method: string; readonly path: string }

const VERIFIER = 'Authorization: Bearer orders-api-key-0123456789'
/** Streams that do not end by themselves. The feed's tests cover who may open them. */
const ENDLESS = new Set(['/control/v1/feed', '/control/v1/stats/events'])

const { server, calls } = await openForFile({
  time: 'hand',
  seed: { realms: [...SEED.realms, { name: 'branch' }] },
})
let routes: readonly Route[]
/** Ids in the default realm, by collection. */
const ids = new Map<string, string>()
let token = ''

before(async () => {
  const { paths } = jsonOf(await calls.control('GET /openapi.json')) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  }
  routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  )
  await furnish()
})

/** Creates one of each kind in the default realm. */
async function furnish(): Promise<void> {
  token = (await calls.oauthGrant('alice')).access
  const target = { source: 'oauth', subject: 'bob' }
  const at = '2026-03-02T00:00:00Z'
  await make('revocations', { target, reason: 'r' })
  await make('revocations/scheduled', { target, reason: 'r', at })
  await make('holds', { target, reason: 'r', seconds: 3_600, atDeadline: 'release' })
  await make('approvals', { target, reason: 'r' })
  await make('keys', { name: 'of default', role: 'admin', realm: 'default' })
  const keys = [{ kty: 'EC', crv: 'P-256', x: JWK_X, y: JWK_Y, alg: 'ES256', use: 'sig' }]
  await make('issuers', { issuer: 'https://idp.example', keys, algorithms: ['ES256'] })
  await make('check-profiles', { name: 'of-default' })
  ids.set('clients', 'svc')
  ids.set('verifiers', 'orders-api')
  const { signingKeys = [] } = jsonOf(await calls.control('GET /signing-keys')) as {
    readonly signingKeys?: readonly { readonly keyId?: string }[]
  }
  ids.set('signing-keys', signingKeys[0]?.keyId ?? JWK_X)
}

// The public key of RFC 7515, appendix A.3.
const JWK_X = 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU'
const JWK_Y = 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0'

async function make(collection: string, body: object): Promise<void> {
  const answer = await calls.control(`POST /${collection}`, body)
  assert.ok(answer.status === 201 || answer.status === 202, `${collection}: ${answer.body.toString()}`)
  const members = jsonOf(answer) as Readonly<Record<string, string>>
  ids.set(collection, members['id'] ?? members['keyId'] ?? members['name'] ?? '')
}

/** A path with ids of the default realm, or with unknown ids. */
function filled({ path }: Route, which: 'default' | 'nobody'): string {
  const collection = path.slice('/control/v1/'.length).split('/{')[0] ?? ''
  return path.replaceAll(/\{\w+\}/g, () => {
    const own = ids.get(collection) ?? 'x'
    return which === 'default' ? own : own.replaceAll(/[A-Za-z]/g, 'Q')
  })
}

async function heads(): Promise<readonly number[]> {
  const all: number[] = []
  for (const ordinal of [0, 1, 2]) all.push((await server.store.head(realmOrdinal(ordinal))).seq)
  return all
}

function isSafe({ method }: Route): boolean {
  return method === 'GET'
}

/** A body for any call; its content does not matter without the right to call. */
const BODY = { target: { realm: true }, reason: 'r', name: 'new', role: 'admin', token: 'none' }

async function keyFor(role: string, realm?: string): Promise<string> {
  const body = realm === undefined ? { name: `a ${role}`, role } : { name: `a ${role}`, role, realm }
  return `Authorization: Bearer ${textAt(await calls.control('POST /keys', body), 'key')}`
}

test('a viewer changes nothing by any route', async () => {
  const viewer = await keyFor('viewer')
  const before_ = await heads()
  let refused = 0
  for (const route of routes.filter((one) => !isSafe(one))) {
    const line = `${route.method} ${filled(route, 'default')}`
    for (const body of [BODY, undefined]) {
      const { status } = await calls.json(line, body, viewer)
      if (route['x-rescind-role'] === 'viewer' && route['x-rescind-callers'].includes('control')) continue
      assert.equal(status, 403, line)
      refused += 1
    }
  }
  assert.ok(refused > 40)
  assert.deepEqual(await heads(), before_)
})

test('a responder cannot exceed its role by any route', async () => {
  const responder = await keyFor('responder')
  const before_ = await heads()
  for (const route of routes.filter((one) => one['x-rescind-role'] === 'admin')) {
    const line = `${route.method} ${filled(route, 'default')}`
    assert.equal((await calls.json(line, BODY, responder)).status, 403, line)
  }
  assert.deepEqual(await heads(), before_)
})

test('a verifier key is accepted only by the calls for it, and changes nothing there', async () => {
  const before_ = await heads()
  for (const route of routes.filter(({ path }) => !ENDLESS.has(path))) {
    const line = `${route.method} ${filled(route, 'default')}`
    const { status } = await calls.json(line, isSafe(route) ? undefined : BODY, VERIFIER)
    if (!route['x-rescind-callers'].includes('verifier')) assert.equal(status, 403, line)
  }
  assert.deepEqual(await heads(), before_)
})

test('[C09] a key of one realm learns and changes nothing in another by any id', async () => {
  const admin = await keyFor('admin', 'branch')
  const [, before_] = await heads()
  const known = [...ids.values(), 'alice', 'orders-api']
  for (const route of routes.filter(({ path }) => path.includes('{'))) {
    const body = isSafe(route) ? undefined : BODY
    const [real, none] = [filled(route, 'default'), filled(route, 'nobody')]
    const line = `${route.method} ${real}`
    const [about, nothing] = [
      await calls.json(line, body, admin),
      await calls.json(`${route.method} ${none}`, body, admin),
    ]
    assert.equal(about.status, nothing.status, line)
    assert.equal(
      about.body.toString().replaceAll(real, ''),
      nothing.body.toString().replaceAll(none, ''),
      line,
    )
    assert.equal((await heads())[1], before_, line)
  }
  for (const route of routes.filter(({ path, method }) => method === 'GET' && !path.includes('{'))) {
    if (ENDLESS.has(route.path) || route.path.endsWith('openapi.json')) continue
    const answer = await calls.json(`GET ${route.path}`, undefined, admin)
    for (const id of known) assert.ok(!answer.body.toString().includes(id), `${route.path} shows ${id}`)
  }
})

test('to a key, a foreign realm looks like one that does not exist', async () => {
  const admin = await keyFor('admin', 'branch')
  const before_ = await heads()
  for (const route of routes.filter(({ path }) => !ENDLESS.has(path))) {
    const path = filled(route, 'default')
    const body = isSafe(route) ? undefined : BODY
    const answers: RawAnswer[] = []
    for (const realm of ['default', 'nowhere', 'system'])
      answers.push(await calls.json(`${route.method} ${path}?realm=${realm}`, body, admin))
    const [first, ...others] = answers
    assert.ok((first?.status ?? 0) >= 400, path)
    for (const other of others) {
      assert.equal(other.status, first?.status, path)
      assert.equal(other.body.toString(), first?.body.toString(), path)
    }
  }
  assert.deepEqual(await heads(), before_)
})

test('[C01] a rule of one realm on a token of another has no effect', async () => {
  const admin = await keyFor('admin', 'branch')
  const [, before_] = await heads()
  const handle = textAt(await calls.introspect(GATEWAY, token), 'jti')
  for (const target of [{ token }, { handle }]) {
    assert.equal((await calls.control('POST /revocations', { target, reason: 'r' }, admin)).status, 404)
    const hold = { target, reason: 'r', seconds: 60, atDeadline: 'revoke' }
    assert.equal((await calls.control('POST /holds', hold, admin)).status, 404)
  }
  for (const target of [{ realm: true }, { source: 'oauth' }, { source: 'oauth', subject: 'alice' }])
    assert.equal((await calls.control('POST /revocations', { target, reason: 'r' }, admin)).status, 201)
  assert.equal((await heads())[1], before_)
  assert.ok(await calls.isActive(GATEWAY, token))
})
