import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openVerifier, type Trouble, type Verifier } from '@rescind/verifier'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { Calls, CONTROL, JSON_BODY } from '../kit/calls.ts'
import { openServer, type TestServer } from '../kit/in-process.ts'
import { ANN, SVC } from '../kit/seed.ts'
import { until } from '../kit/until.ts'

const KEY = 'orders-api-key-0123456789'
const ISSUER = 'https://idp.example'

/** The foreign issuer: its own key pair, registered by the public key. */
async function foreignIssuer(calls: Calls): Promise<(claims: Record<string, unknown>) => Promise<string>> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }
  const body = JSON.stringify({ issuer: ISSUER, keys: [jwk], algorithms: ['ES256'] })
  const made = await calls.send('POST /control/v1/issuers', [CONTROL, JSON_BODY], body)
  assert.equal(made.status, 201, made.body.toString())
  return (claims) =>
    new SignJWT({ sub: 'fay', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setIssuer(ISSUER)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey)
}

test('[W50] a wrong key and a control key are reported in the state, in the last error, and by ready()', async () => {
  const server = await openServer({ time: 'real' })
  try {
    for (const [key, status] of [
      ['no-key-of-this-server-0123456789', 401],
      [CONTROL.slice('Authorization: Bearer '.length), 403],
    ] as const) {
      const told = Promise.withResolvers<Trouble | undefined>()
      const onState = (state: string, trouble: Trouble | undefined): void => {
        if (state === 'refused') told.resolve(trouble)
      }
      const verifier = openVerifier({ url: server.url, key, onState })
      assert.equal((await told.promise)?.status, status)
      assert.deepEqual([verifier.state, verifier.trouble?.status], ['refused', status])
      await assert.rejects(verifier.ready(1), new RegExp(`refused \\(status: .*${status}: `))
      await verifier.close()
    }
  } finally {
    await server.close()
  }
})

describe('a verifier beside a running server', () => {
  let server: TestServer
  let calls: Calls
  let verifier: Verifier
  before(async () => {
    server = await openServer({ time: 'real' })
    calls = new Calls(server.port)
    verifier = openVerifier({ url: server.url, key: KEY })
    await verifier.ready()
  })
  after(async () => {
    calls.close()
    await verifier.close()
    await server.close()
  })

  const revoke = async (target: unknown): Promise<void> => {
    const body = JSON.stringify({ target, reason: 'test' })
    const made = await calls.send('POST /control/v1/revocations', [CONTROL, JSON_BODY], body)
    assert.equal(made.status, 201, made.body.toString())
  }

  test("each dialect's opaque tokens are asked about once, then judged locally, and refused once revoked", async () => {
    const chat = await calls.chatToken('ann')
    const bound = await calls.chatBound('bob', 'a text of another system')
    const identity = await calls.identityToken(ANN)
    const oauth = await calls.oauthToken(SVC)
    const cases: readonly [string, string, () => Promise<unknown>][] = [
      [chat, 'chat/acme', () => calls.chatRevoke('ann', chat)],
      [bound, 'chat/acme', () => calls.chatRevoke('bob')],
      [identity, 'identity', () => calls.identity('DELETE', identity, '')],
      [oauth, 'oauth', () => calls.oauthRevoke(SVC, oauth)],
    ]
    for (const [token, source, end] of cases) {
      assert.deepEqual(verifier.check(token), { kind: 'unknown', why: 'unseen' })
      const { asked } = verifier.stats()
      const first = await verifier.verify(token)
      assert.equal(first.kind === 'active' && first.source, source)
      assert.equal(verifier.check(token).kind, 'active')
      await verifier.verify(token)
      assert.equal(verifier.stats().asked, asked + 1)
      await end()
      await until(() => verifier.check(token).kind === 'inactive')
      assert.deepEqual(verifier.check(token), { kind: 'inactive', why: 'revoked' })
      assert.equal(verifier.stats().asked, asked + 1)
    }
  })

  test('a token revoked by itself is refused locally even if it was never seen', async () => {
    const token = await calls.oauthToken(SVC)
    await calls.oauthRevoke(SVC, token)
    await until(() => verifier.check(token).kind === 'inactive')
    assert.deepEqual(verifier.check(token), { kind: 'inactive', why: 'revoked' })
  })

  test("a registered issuer's JWTs are judged and refused entirely in process", async () => {
    const sign = await foreignIssuer(calls)
    const [first, second, third] = await Promise.all(
      ['j1', 'j2', 'j3'].map((jti) => sign({ jti, scope: 'read write' })),
    )
    assert.ok(first !== undefined && second !== undefined && third !== undefined)
    await until(() => verifier.check(first).kind === 'active')
    const { asked } = verifier.stats()
    const active = verifier.check(first)
    assert.ok(active.kind === 'active')
    const { source, subject, scopes } = active
    assert.deepEqual(
      { source, subject, scopes },
      { source: `iss:${ISSUER}`, subject: 'fay', scopes: ['read', 'write'] },
    )
    await revoke({ issuer: ISSUER, jti: 'j1' })
    await until(() => verifier.check(first).kind === 'inactive')
    assert.equal(verifier.check(second).kind, 'active')
    const [head = '', payload = '', signature = ''] = second.split('.')
    const other = signature.startsWith('A') ? 'B' : 'A'
    assert.equal(verifier.check(`${head}.${payload}.${other}${signature.slice(1)}`).kind, 'inactive')
    await revoke({ source: `iss:${ISSUER}`, subject: 'fay' })
    await until(() => verifier.check(second).kind === 'inactive')
    assert.deepEqual(verifier.check(third), { kind: 'inactive', why: 'revoked' }, 'never seen before')
    assert.equal(verifier.stats().asked, asked)
  })

  test('our own JWTs are judged entirely in process: signature, rules, and the key that signed them', async () => {
    const body = '{"clientId":"signed","grantTypes":["client_credentials"],"accessTokenFormat":"jwt"}'
    const made = await calls.send('POST /control/v1/clients', [CONTROL, JSON_BODY], body)
    assert.equal(made.status, 201, made.body.toString())
    const client = JSON.parse(made.body.toString()) as {
      readonly clientId: string
      readonly clientSecret: string
    }
    const [first, second, third] = [
      await calls.oauthToken(client),
      await calls.oauthToken(client),
      await calls.oauthToken(client),
    ]
    assert.match(first, /^eyJ/)
    // The key was created for this token, and arrives with the configuration.
    await until(() => verifier.check(first).kind === 'active')
    const { asked } = verifier.stats()
    const active = verifier.check(second)
    assert.deepEqual(active.kind === 'active' && [active.source, active.client], ['oauth', 'signed'])
    const [head = '', payload = '', signature = ''] = first.split('.')
    const other = signature.startsWith('A') ? 'B' : 'A'
    assert.equal(verifier.check(`${head}.${payload}.${other}${signature.slice(1)}`).kind, 'inactive')
    await calls.oauthRevoke(client, first)
    await until(() => verifier.check(first).kind === 'inactive')
    assert.deepEqual(verifier.check(first), { kind: 'inactive', why: 'revoked' })
    assert.equal(verifier.check(second).kind, 'active')
    await revoke({
      key: String((JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string }).kid),
    })
    await until(() => verifier.check(second).kind === 'inactive')
    assert.deepEqual(verifier.check(third), { kind: 'inactive', why: 'revoked' }, 'never seen before')
    assert.equal(verifier.stats().asked, asked)
  })

  test('tokens that the verifier accepts are reported as used', async () => {
    const token = await calls.oauthToken(SVC)
    const active = await verifier.verify(token)
    assert.ok(active.kind === 'active')
    const lookUp = async (): Promise<string> => {
      const found = await calls.control('POST /tokens/lookup', { token })
      assert.equal(found.status, 200, found.body.toString())
      return found.body.toString()
    }
    const deadline = AbortSignal.timeout(60_000)
    while (!(await lookUp()).includes('"lastUsedAt"')) deadline.throwIfAborted()
  })

  test('a cutoff over a client ends tokens issued before it, and no later ones', async () => {
    const before = await calls.oauthToken(SVC)
    assert.equal((await verifier.verify(before)).kind, 'active')
    await revoke({ source: 'oauth', client: 'svc' })
    const later = await calls.oauthToken(SVC)
    await until(() => verifier.check(before).kind === 'inactive')
    assert.equal((await verifier.verify(later)).kind, 'active')
  })

  test('a watch reports the end of a token once, when it is revoked and not when it is rotated', async () => {
    const { access, refresh } = await calls.oauthGrant('ann')
    const told: unknown[] = []
    await verifier.verify(access)
    verifier.onRevoked(access, (ended) => void told.push(ended))
    assert.equal((await calls.oauthRefresh(SVC, refresh)).status, 200)
    const marker = await calls.oauthToken(SVC)
    await calls.oauthRevoke(SVC, marker)
    await until(() => verifier.check(marker).kind === 'inactive')
    assert.equal(told.length, 0)
    await calls.oauthRevoke(SVC, access)
    await until(() => told.length > 0)
    assert.deepEqual(told, [{ kind: 'inactive', why: 'revoked' }])
    verifier.onRevoked(access, (ended) => void told.push(ended))
    await until(() => told.length > 1)
    const unseen = await calls.oauthToken(SVC)
    verifier.onRevoked(unseen, (ended) => void told.push(ended))
    await until(() => verifier.check(unseen).kind === 'active')
    await revoke({ source: 'oauth', client: 'svc' })
    await until(() => told.length > 2)
  })

  test('a receipt says when this verifier applied the revocation, and waiting for it then returns at once', async () => {
    const token = await calls.oauthToken(SVC)
    const body = JSON.stringify({ target: { token }, reason: 'test', wait: 'enforced', timeoutMs: 20_000 })
    const made = await calls.send('POST /control/v1/revocations', [CONTROL, JSON_BODY], body)
    const receipt = JSON.parse(made.body.toString()) as Record<string, unknown>
    assert.deepEqual([made.status, receipt['enforced'], receipt['laggards']], [201, true, []])
    assert.equal(verifier.check(token).kind, 'inactive')
    const read = await calls.send(`GET /control/v1/revocations/${String(receipt['id'])}`, [CONTROL])
    const { instances } = JSON.parse(read.body.toString()) as {
      readonly instances: readonly Record<string, unknown>[]
    }
    const [own] = instances
    assert.deepEqual(
      [own?.['verifier'], own?.['instance'], own?.['state']],
      ['orders-api', verifier.stats().instance, 'applied'],
    )
    assert.ok(Number(own?.['afterMs']) < 20_000)
  })
})
