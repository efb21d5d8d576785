import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { API_KEY, JSON_BODY, memberAt, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { Provider } from '../kit/provider.ts'
import type { RawAnswer } from '../kit/raw-http.ts'

const { server, calls } = await openForFile({
  time: 'hand',
  flags: ['--allow-internal-fetch', '--control-rate', '0'],
})
let idp: Provider
let registered: RawAnswer
const source = 'iss:https://idp.example/'

before(async () => {
  idp = await Provider.open('https://idp.example/', () => server.clock.wallMs() / 1_000)
  const claims = { client: 'azp', session: 'sid', tenant: 'org', authenticatedAt: 'auth_time' }
  registered = await calls.control('POST /issuers', { issuer: idp.issuer, jwksUrl: idp.jwksUrl, claims })
  assert.equal(registered.status, 201, registered.body.toString())
})

after(() => idp.close())

async function revoke(target: object, more: object = {}): Promise<RawAnswer> {
  const answer = await calls.control('POST /revocations', { target, reason: 'test', ...more })
  assert.equal(answer.status, 201, answer.body.toString())
  return answer
}

async function say(token: string): Promise<string> {
  const { kind, why } = memberAt(await calls.control('POST /verify', { token }), 'verdict') as {
    kind: string
    why?: string
  }
  return why ?? kind
}

async function sayAll(tokens: readonly string[]): Promise<string[]> {
  const said: string[] = []
  for (const token of tokens) said.push(await say(token))
  return said
}

const now = (): number => server.clock.wallMs() / 1_000
const later = (): void => server.clock.advance(120_000)

test('a foreign token is revoked by jti, session, or its text, and no other token with it', async () => {
  const [a, b, c, other] = await Promise.all([
    idp.sign({ jti: 'a' }),
    idp.sign({ jti: 'b', sid: 's1' }),
    idp.sign({ jti: 'c' }),
    idp.sign({ jti: 'd', sid: 's2' }),
  ])
  await revoke({ issuer: idp.issuer, jti: 'a' })
  await revoke({ source, session: 's1' })
  await revoke({ token: c })
  assert.deepEqual(await sayAll([a, b, c, other]), ['revoked', 'revoked', 'revoked', 'active'])
})

test('a cutoff over a subject, client or tenant hits tokens issued up to now plus the skew, and no later ones', async () => {
  for (const [target, claims] of [
    [{ subject: 'bob' }, { sub: 'bob' }],
    [{ client: 'app' }, { azp: 'app' }],
    [{ tenant: 'acme' }, { org: 'acme' }],
    [
      { subject: 'eve', client: 'app2' },
      { sub: 'eve', azp: 'app2' },
    ],
  ] as const) {
    const before = await idp.sign(claims)
    const stranger = await idp.sign({ sub: 'somebody', azp: 'elsewhere', org: 'other' })
    const receipt = await revoke({ source, ...target })
    assert.equal(memberAt(receipt, 'covers', 'skewSeconds'), 60)
    assert.equal(await say(before), 'revoked')
    assert.equal(await say(stranger), 'active')
    assert.equal(await say(await idp.sign(claims)), 'revoked', 'a fresh one within the skew')
    later()
    assert.equal(await say(await idp.sign(claims)), 'active')
    assert.equal(await say(before), 'revoked')
  }
})

test('a dated cutoff uses its instant; a token without iat, where accepted, is hit by every cutoff', async () => {
  const path = `/control/v1/issuers/${textAt(registered, 'id')}`
  assert.equal((await calls.json(`PATCH ${path}`, { withoutIat: true })).status, 200)
  const at = server.clock.wallMs()
  later()
  const [old, fresh] = [await idp.sign({ sub: 'dan', iat: at / 1_000 }), await idp.sign({ sub: 'dan' })]
  const silent = await idp.sign({ sub: 'dan', iat: undefined })
  assert.equal(await say(silent), 'active')
  await revoke({ source, subject: 'dan' }, { issuedBefore: new Date(at).toISOString() })
  assert.deepEqual(await sayAll([old, fresh, silent]), ['revoked', 'active', 'revoked'])
})

test('a cutoff by login hits tokens that the provider mints from an older session, not from a new login', async () => {
  const login = now() - 3_600
  await revoke({ source, subject: 'fay' }, { basis: 'authenticated' })
  later()
  assert.equal(
    await say(await idp.sign({ sub: 'fay', auth_time: login })),
    'revoked',
    'minted anew, of the old session',
  )
  assert.equal(await say(await idp.sign({ sub: 'fay', auth_time: now() })), 'active')
  assert.equal(await say(await idp.sign({ sub: 'fay' })), 'revoked', 'it does not say when')
})

test('revoking a key ends the tokens that it signed', async () => {
  const token = await idp.sign({ sub: 'gus' })
  const key = textAt(await calls.control('POST /verify', { token }), 'facts', 'keyId')
  await revoke({ key })
  assert.equal(await say(token), 'revoked')
  await idp.rotate('two')
  later()
  assert.equal(await say(await idp.sign({ sub: 'gus' })), 'active')
})

test('a hold also suspends tokens minted meanwhile, until it is released', async () => {
  const token = await idp.sign({ sub: 'hal' })
  const held = await calls.control('POST /holds', {
    target: { source, subject: 'hal' },
    reason: 'test',
    seconds: 3_600,
    atDeadline: 'release',
  })
  assert.equal(held.status, 201, held.body.toString())
  assert.equal(await say(token), 'held')
  later()
  assert.equal(await say(await idp.sign({ sub: 'hal' })), 'held')
  const released = await calls.control(`POST /holds/${textAt(held, 'id')}/release`, {})
  assert.ok(released.status < 300, released.body.toString())
  assert.equal(await say(token), 'active')
})

test('a token of a registered issuer cannot be bound to a chat client, genuine or not', async () => {
  await calls.chatClient('binder')
  const line = 'PUT /admin/clients/binder/token'
  const bind = (token: string): Promise<RawAnswer> =>
    calls.send(line, [API_KEY, JSON_BODY], JSON.stringify({ token }))
  const token = await idp.sign({ sub: 'binder' })
  for (const text of [token, `${token.slice(0, -4)}AAAA`]) assert.equal((await bind(text)).status, 400)
  const stranger = await idp.sign({ iss: 'https://unknown.example/' })
  assert.equal((await bind(stranger)).status, 200)
})

test('a rule on a principal without a mapped claim is refused, instead of silently doing nothing', async () => {
  const plain = { issuer: 'https://plain.example/', keys: [idp.jwk], claims: { authenticatedAt: null } }
  assert.equal((await calls.control('POST /issuers', plain)).status, 201)
  const own = 'iss:https://plain.example/'
  for (const target of [{ client: 'x' }, { tenant: 'x' }, { subject: 'x', client: 'y' }, { session: 'x' }]) {
    const answer = await calls.control('POST /revocations', {
      target: { source: own, ...target },
      reason: 'r',
    })
    assert.equal(answer.status, 422, JSON.stringify(target))
  }
  const basis = { target: { source: own, subject: 'x' }, basis: 'authenticated', reason: 'r' }
  assert.equal((await calls.control('POST /revocations', basis)).status, 422)
})
