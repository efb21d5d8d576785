import assert from 'node:assert/strict'
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { openVerifier, type Verifier } from '@rescind/verifier'
import { API_KEY, Calls, CLIENT_KEY, CONTROL, JSON_BODY, jsonOf, memberAt } from '../kit/calls.ts'
import { openServer, type TestServer } from '../kit/in-process.ts'
import { Provider } from '../kit/provider.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { GATEWAY, SEED } from '../kit/seed.ts'
import { type Spelling, spellingsOf } from '../kit/spellings.ts'

const KEY = 'orders-api-key-0123456789'
const EXTERNAL = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const SIGNED = { clientId: 'signed', clientSecret: 'signed-secret-0123456789abcdef' }
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

let server: TestServer
let calls: Calls
let idp: Provider
let verifier: Verifier
let stub: http.Server
let nth = 0

/** A token of the app's own server, and that server's lenient parser. */
function externalToken(more: object = {}): string {
  const now = Math.floor(Date.now() / 1_000)
  nth += 1
  const input = `${part({ alg: 'ES256' })}.${part({ sub: `u${nth}`, iat: now, exp: now + 600, ...more })}`
  const by = { key: EXTERNAL.privateKey, dsaEncoding: 'ieee-p1363' } as const
  return `${input}.${sign('sha256', Buffer.from(input), by).toString('base64url')}`
}

function read(token: string): Readonly<Record<string, unknown>> | undefined {
  const [header = '', payload = '', signature = ''] = partsOf(token.trim())
  const by = { key: EXTERNAL.publicKey, dsaEncoding: 'ieee-p1363' } as const
  const isGood = verify(
    'sha256',
    Buffer.from(`${header}.${payload}`),
    by,
    Buffer.from(signature, 'base64url'),
  )
  return isGood
    ? (JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>)
    : undefined
}

/** Extracts a token from a header, a link or JSON, as lenient software does. */
function partsOf(text: string): readonly string[] {
  const plain = decodeURIComponent(text.replace(/%(?![0-9a-f]{2})/gi, '%25'))
  if (!plain.startsWith('{')) return plain.replace(/^["']?(?:Bearer|JWT|token)?[ +=]?/i, '').split('.')
  const { protected: header, payload, signature } = JSON.parse(plain) as Readonly<Record<string, string>>
  return [header ?? '', payload ?? '', signature ?? '']
}

before(async () => {
  stub = http.createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { token } = JSON.parse(Buffer.concat(chunks).toString()) as { token: string }
      const { sub, iat, exp } = read(token) ?? {}
      response.statusCode = sub === undefined ? 401 : 200
      response.end(JSON.stringify(sub === undefined ? {} : { id: sub, iat, exp }))
    })
  })
  stub.listen(0, '127.0.0.1')
  await once(stub, 'listening')
  const verifyUrl = `http://127.0.0.1:${(stub.address() as AddressInfo).port}/verify`
  const seed = structuredClone(SEED) as { realms: { chatVerifyUrl?: string; oauthClients: object[] }[] }
  for (const realm of seed.realms) {
    realm.chatVerifyUrl = verifyUrl
    realm.oauthClients.push({
      ...SIGNED,
      grantTypes: ['client_credentials'],
      scopes: [],
      accessTokenFormat: 'jwt',
    })
  }
  server = await openServer({ time: 'real', seed, flags: ['--allow-internal-fetch', '--control-rate', '0'] })
  calls = new Calls(server.port)
  idp = await Provider.open('https://idp.example/', () => Math.floor(Date.now() / 1_000))
  await made('POST /issuers', { issuer: idp.issuer, jwksUrl: idp.jwksUrl })
  verifier = openVerifier({ url: server.url, key: KEY })
  await verifier.ready()
})

after(async () => {
  await verifier.close()
  calls.close()
  idp.close()
  await server.close()
  stub.close()
})

async function made(line: string, body: object): Promise<RawAnswer> {
  const answer = await calls.control(line, body)
  assert.equal(answer.status, 201, answer.body.toString())
  return answer
}

/** With the API key, because the client key alone is rate-limited. */
function me(token: string): Promise<RawAnswer> {
  return calls.send('GET /me', [API_KEY, `IM-Authorization: ${token}`])
}

/** Text that a header can hold; other text is refused before any handler. */
const inHeader = (text: string): boolean => /^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(text)

/** The doors that this text opens. */
async function opened(text: string): Promise<string[]> {
  const open: string[] = []
  const note = (door: string, isOpen: boolean): void => {
    if (isOpen) open.push(door)
  }
  if (inHeader(text)) {
    note('/me', (await me(text)).status === 200)
    note('/check', (await calls.send('GET /check', [`Authorization: Bearer ${text}`])).status === 200)
    note(
      'v3',
      (await calls.send('GET /v3/auth/tokens', [`X-Auth-Token: ${text}`, `X-Subject-Token: ${text}`]))
        .status === 200,
    )
  }
  const verified = await calls.control('POST /verify', { token: text })
  note('control verify', memberAt(verified, 'verdict', 'kind') !== 'inactive')
  const looked = await calls.control('POST /tokens/lookup', { token: text })
  note('lookup', looked.status === 200 && memberAt(looked, 'state') === 'active')
  note('introspection', await calls.isActive(GATEWAY, text))
  const said = await calls.send('POST /verify', [API_KEY, JSON_BODY], JSON.stringify({ token: text }))
  note('chat verify', said.status === 200)
  const badges = await calls.send(
    'POST /badges/',
    [CLIENT_KEY, JSON_BODY],
    JSON.stringify({ tokens: [text] }),
  )
  note('badges', badges.status === 200 && (memberAt(badges, 'result', 'data') as unknown[]).length > 0)
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: text } }
  note(
    'TokenReview',
    memberAt(await calls.control('POST /token-review', review), 'status', 'authenticated') === true,
  )
  // The SDK must refuse it too.
  note('SDK check', verifier.check(text).kind === 'active')
  note('SDK verify', (await verifier.verify(text)).kind === 'active')
  return open
}

const HELD = { reason: 'test', seconds: 3_600, atDeadline: 'release' }

/** Every way in which an operator ends a token by its text. */
const WAYS: Readonly<Record<string, (text: string) => Promise<RawAnswer>>> = {
  'a rule': (token) => made('POST /revocations', { target: { token }, reason: 'test', wait: 'enforced' }),
  'a hold': (token) => made('POST /holds', { ...HELD, target: { token } }),
  'a leak list': (token) =>
    calls.send(
      'POST /control/v1/revocations/bulk?dryRun=false&reason=test',
      [CONTROL, 'Content-Type: text/plain'],
      `${token}\n`,
    ),
}

const MAKERS: Readonly<Record<string, () => Promise<string>>> = {
  'an outside verifier': async () => externalToken(),
  'an outside verifier, with iss and jti': async () =>
    externalToken({ iss: 'https://login.example', jti: `j${nth}` }),
  'a registered issuer': () => idp.sign(),
  'this server': () => calls.oauthToken(SIGNED),
}

for (const [whose, make] of Object.entries(MAKERS)) {
  for (const [way, end] of Object.entries(WAYS)) {
    test(`[H14] [A03] [F10] a JWT of ${whose}, ended by ${way}, opens no door in any spelling`, async () => {
      const token = await make()
      await me(token)
      assert.ok((await opened(token)).includes('SDK verify'))
      const ended = await end(token)
      assert.ok(ended.status < 300, ended.body.toString())
      const deadline = AbortSignal.timeout(60_000)
      while (verifier.check(token).kind === 'active') {
        deadline.throwIfAborted()
        await new Promise((resolve) => setImmediate(resolve))
      }
      const spellings: readonly Pick<Spelling, 'how' | 'text'>[] = [
        { how: 'as it was', text: token },
        ...spellingsOf(token),
      ]
      for (const { how, text } of spellings) assert.deepEqual(await opened(text), [], how)
    })
  }
}

test('[H14] [F10] a rule that names a live JWT by another valid signature ends it', async () => {
  for (const make of Object.values(MAKERS)) {
    const token = await make()
    await me(token)
    const twin = spellingsOf(token).find(({ how }) => how === 's turned into n - s')
    assert.ok(twin !== undefined)
    await made('POST /revocations', { target: { token: twin.text }, reason: 'leaked' })
    assert.deepEqual(memberAt(await calls.control('POST /verify', { token }), 'verdict'), {
      kind: 'inactive',
      why: 'revoked',
    })
    assert.equal((await me(token)).status, 401)
  }
})

test('[H14] a non-canonical JWS names no token: rules, holds and lookups refuse it', async () => {
  const token = externalToken()
  await me(token)
  for (const { how, text, of } of spellingsOf(token)) {
    if (of !== 'text') continue
    for (const path of ['/revocations', '/holds'])
      assert.equal(
        (
          await calls.control(`POST ${path}`, {
            ...(path === '/holds' ? HELD : { reason: 'test' }),
            target: { token: text },
          })
        ).status,
        422,
        how,
      )
    assert.ok([404, 422].includes((await calls.control('POST /tokens/lookup', { token: text })).status), how)
    assert.equal(
      memberAt(await calls.control('POST /verify', { token: text }), 'verdict', 'why'),
      'malformed',
      how,
    )
  }
  assert.equal((await me(token)).status, 200)
})

test('[R1] a JWT of 8,602 characters is accepted, and the control API reports text that is too long', async () => {
  const room = 'x'.repeat(6_100)
  const token = await idp.sign({ groups: [room] })
  assert.ok(token.length > 8_192 && token.length < 16_384)
  assert.deepEqual(memberAt(await calls.control('POST /verify', { token }), 'verdict'), { kind: 'active' })
  assert.equal((await calls.send('GET /check', [`Authorization: Bearer ${token}`])).status, 200)
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } }
  assert.equal(memberAt(await calls.control('POST /token-review', review), 'status', 'authenticated'), true)
  for (const text of ['x'.repeat(8_193), await idp.sign({ groups: [room, room, room] })]) {
    const verified = await calls.control('POST /verify', { token: text })
    assert.deepEqual(memberAt(verified, 'verdict'), { kind: 'inactive', why: 'malformed' })
    assert.match(String(memberAt(verified, 'detail')), /longer than 8,192 bytes/)
    for (const [path, body] of [
      ['/tokens/lookup', { token: text }],
      ['/revocations', { target: { token: text }, reason: 'test' }],
    ] as const) {
      const answer = await calls.control(`POST ${path}`, body)
      assert.equal(answer.status, 422, path)
      assert.match(JSON.stringify(jsonOf(answer)), /longer than 8,192 bytes/)
    }
  }
  const made = await calls.control('POST /revocations', { target: { token }, reason: 'test' })
  assert.equal(made.status, 201, made.body.toString())
})
