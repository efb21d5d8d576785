import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Calls, CONTROL, JSON_BODY, jsonOf, memberAt, textAt } from '../kit/calls.ts'
import { openForFile, openServer } from '../kit/in-process.ts'
import { Provider } from '../kit/provider.ts'
import { headerOf, type RawAnswer } from '../kit/raw-http.ts'
import { GATEWAY, SVC } from '../kit/seed.ts'

const VERIFIER = 'Authorization: Bearer orders-api-key-0123456789'

const { server, calls } = await openForFile({ time: 'hand', flags: ['--allow-internal-fetch'] })
const providers: Provider[] = []

after(async () => {
  for (const provider of providers) provider.close()
})

async function provider(name: string): Promise<Provider> {
  const made = await Provider.open(`https://${name}.example/`, () => server.clock.wallMs() / 1_000)
  providers.push(made)
  return made
}

async function register(of: Provider, more: object = {}): Promise<string> {
  const body = { issuer: of.issuer, jwksUrl: of.jwksUrl, ...more }
  const answer = await calls.control('POST /issuers', body)
  assert.equal(answer.status, 201, answer.body.toString())
  return textAt(answer, 'id')
}

/** `active`, or the reason why not. */
async function say(token: string, key = CONTROL): Promise<string> {
  const answer = await calls.control('POST /verify', { token }, key)
  assert.equal(answer.status, 200, answer.body.toString())
  const { kind, why } = memberAt(answer, 'verdict') as { kind: string; why?: string }
  return why === undefined ? kind : `${kind} ${why}`
}

test('a token of a registered issuer is judged at first sight, also for verifiers', async () => {
  const idp = await provider('one')
  await register(idp, { claims: { client: 'azp', session: 'sid' } })
  const token = await idp.sign({ azp: 'shop', sid: 's1' })
  const answer = await calls.control('POST /verify', { token })
  assert.deepEqual(memberAt(answer, 'verdict'), { kind: 'active' })
  const { source, subject, client, session, position } = memberAt(answer, 'facts') as Record<string, unknown>
  assert.deepEqual([source, subject, client, session], ['iss:https://one.example/', 'alice', 'shop', 's1'])
  assert.equal(position, undefined, 'no place in our log')
  assert.match(textAt(answer, 'position'), /^1\.[\w-]+\.\d+\.[\w-]{43}\.[\w-]{43}$/)
  assert.equal(await say(token, VERIFIER), 'active')
  assert.equal(idp.asked, 1, 'its keys were asked for once')
})

test('/check names the caller of a foreign token, as its issuer signed it [H6]', async () => {
  const idp = await provider('acting')
  await register(idp)
  const told = async (claims: Readonly<Record<string, unknown>>): Promise<string | undefined> => {
    const answer = await calls.send('GET /check', [`Authorization: Bearer ${await idp.sign(claims)}`])
    assert.equal(answer.status, 200)
    return headerOf(answer, 'x-auth-act')
  }
  assert.equal(await told({}), '')
  assert.equal(await told({ act: { sub: 'robot' } }), '{"sub":"robot"}')
  assert.equal(await told({ act: 'robot' }), '{}', 'an actor without a name, not nobody')
  assert.equal(await told({ impersonator: '7' }), '', 'a claim of ours alone')
})

test('unregistered, unsigned and not agreed tokens are refused', async () => {
  const [idp, stranger] = [await provider('two'), await provider('stranger')]
  await register(idp, { audience: 'api' })
  const twin = await Provider.open(idp.issuer, () => server.clock.wallMs() / 1_000)
  providers.push(twin)
  const good = await idp.sign({ aud: ['api'] })
  assert.equal(await say(good), 'active')
  assert.equal(await say(await stranger.sign()), 'inactive unknown')
  assert.equal(await say(await twin.sign({ aud: 'api' })), 'inactive unknown', 'the same kid, another key')
  assert.equal(await say(await idp.sign({ aud: 'other' })), 'inactive unknown')
  assert.equal(await say(await idp.sign({ aud: 'api', exp: undefined })), 'inactive malformed')
  assert.equal(
    await say(await idp.sign({ aud: 'api', exp: server.clock.wallMs() / 1_000 })),
    'inactive expired',
  )
  assert.equal(await say(`${good}=`), 'inactive malformed', 'loose base64url')
  assert.equal(await say(good.replace(/\.[^.]+$/, '.')), 'inactive malformed')
})

test('introspection shows tokens of registered issuers to clients that may see every token of the realm, and to no others', async () => {
  const idp = await provider('introspected')
  await register(idp, { claims: { client: 'azp' } })
  const token = await idp.sign({ azp: 'shop' })
  const { active, iss, client_id, sub } = jsonOf(await calls.introspect(GATEWAY, token)) as Record<
    string,
    unknown
  >
  assert.deepEqual([active, iss, client_id, sub], [true, idp.issuer, 'shop', 'alice'])
  assert.equal((await calls.introspect(SVC, token)).body.toString(), '{"active":false}')
  const revoked = await calls.control('POST /revocations', { target: { token }, reason: 'leak' })
  assert.equal(revoked.status, 201, revoked.body.toString())
  assert.equal((await calls.introspect(GATEWAY, token)).body.toString(), '{"active":false}')
  const unreachable = await provider('away')
  const body = { issuer: unreachable.issuer, jwksUrl: 'https://127.0.0.1:1/jwks' }
  assert.equal((await calls.control('POST /issuers', body)).status, 201)
  // The verdict is unknown: an outage, never "inactive".
  assert.equal((await calls.introspect(GATEWAY, await unreachable.sign())).status, 503)
})

test('disabling or deleting an issuer ends its tokens; enabling it brings none back', async () => {
  const idp = await provider('three')
  const id = await register(idp)
  const token = await idp.sign({ exp: server.clock.wallMs() / 1_000 + 100_000 })
  assert.equal(await say(token), 'active')
  const path = `/control/v1/issuers/${id}`
  assert.equal((await calls.json(`PATCH ${path}`, { enabled: false, reason: 'breach' })).status, 200)
  assert.equal(await say(token), 'inactive unknown')
  assert.equal((await calls.json(`PATCH ${path}`, { enabled: true })).status, 200)
  assert.equal(await say(token), 'inactive revoked')
  assert.equal(await say(await idp.sign()), 'inactive revoked', 'within the skew')
  server.clock.advance(61_000)
  const later = await idp.sign()
  assert.equal(await say(later), 'active')
  assert.equal((await calls.json(`DELETE ${path}`)).status, 204)
  assert.equal(await say(later), 'inactive unknown')
  await register(idp)
  assert.equal(await say(later), 'inactive revoked')
})

test('narrowing an issuer’s settings ends tokens issued under them; widening does not', async () => {
  const idp = await provider('four')
  const id = await register(idp, { algorithms: ['ES256', 'RS256'] })
  const token = await idp.sign()
  const change = async (body: object): Promise<void> => {
    assert.equal((await calls.control(`PATCH /issuers/${id}`, body)).status, 200)
  }
  await change({ claims: { tenant: 'org' }, skewSeconds: 30 })
  assert.equal(await say(token), 'active')
  await change({ algorithms: ['ES256'] })
  assert.equal(await say(token), 'inactive revoked')
})

test('a change of an outdated version is refused', async () => {
  const idp = await provider('five')
  const id = await register(idp)
  const path = `/control/v1/issuers/${id}`
  const ifMatch = (tag: string): Promise<RawAnswer> =>
    calls.send(`PATCH ${path}`, [CONTROL, JSON_BODY, `If-Match: ${tag}`], '{"skewSeconds":5}')
  assert.equal((await ifMatch('"1"')).status, 200)
  assert.equal((await ifMatch('"1"')).status, 412)
  assert.equal(memberAt(await calls.json(`GET ${path}`), 'skewSeconds'), 5)
})

test('[M05] a new key of the issuer is found; unknown keys cause few requests to it', async () => {
  const idp = await provider('six')
  await register(idp)
  assert.equal(await say(await idp.sign()), 'active')
  await idp.rotate('two')
  server.clock.advance(10_000)
  assert.equal(await say(await idp.sign()), 'active')
  assert.equal(idp.asked, 2)
  const twin = await Provider.open(idp.issuer, () => server.clock.wallMs() / 1_000)
  providers.push(twin)
  for (let nth = 0; nth < 5; nth += 1) {
    await twin.rotate(`made-up-${nth}`)
    assert.equal(await say(await twin.sign()), 'inactive unknown')
  }
  assert.equal(idp.asked, 2)
})

test('while the issuer is unreachable its last keys work for a day; then verdicts are unknown, never "inactive"', async () => {
  const idp = await provider('seven')
  await register(idp)
  const long = (): Promise<string> => idp.sign({ exp: server.clock.wallMs() / 1_000 + 1_000_000 })
  const token = await long()
  assert.equal(await say(token), 'active')
  idp.broken = 500
  server.clock.advance(86_400_000)
  assert.equal(await say(token), 'active')
  server.clock.advance(10_000)
  assert.equal(await say(token), 'unknown stale')
  idp.broken = undefined
  server.clock.advance(10_000)
  assert.equal(await say(token), 'active')
})

test('keys that were never fetched give unknown, and an internal address cannot be registered without the flag', async () => {
  const idp = await provider('eight')
  idp.broken = 404
  await register(idp)
  assert.equal(await say(await idp.sign()), 'unknown stale')
  const strict = await openServer({ time: 'hand' })
  const guarded = new Calls(strict.port)
  try {
    const body = JSON.stringify({ issuer: idp.issuer, jwksUrl: idp.jwksUrl.replace('http:', 'https:') })
    const made = await guarded.send('POST /control/v1/issuers', [CONTROL, JSON_BODY], body)
    assert.equal(made.status, 422)
    const plain = await guarded.send(
      'POST /control/v1/issuers',
      [CONTROL, JSON_BODY],
      body.replace('https://127', 'http://127').replace('eight', 'nine'),
    )
    assert.equal(plain.status, 422)
  } finally {
    guarded.close()
    await strict.close()
  }
})

test('given keys are never fetched', async () => {
  const idp = await provider('ten')
  const answer = await calls.control('POST /issuers', { issuer: idp.issuer, keys: [idp.jwk] })
  assert.equal(answer.status, 201, answer.body.toString())
  assert.equal(await say(await idp.sign()), 'active')
  assert.equal(idp.asked, 0)
  const id = textAt(answer, 'id')
  await idp.rotate('two')
  assert.equal(await say(await idp.sign()), 'inactive unknown')
  const both = { keys: [idp.jwk] }
  assert.equal((await calls.control(`PATCH /issuers/${id}`, both)).status, 200)
  assert.equal(
    await say(await idp.sign()),
    'inactive revoked',
    'the old key was removed, which ends tokens signed so far',
  )
})

test('a realm’s issuers are its own: another realm neither judges nor shows them', async () => {
  const idp = await provider('eleven')
  const id = await register(idp)
  const token = await idp.sign()
  const made = (await calls.control('GET /issuers?limit=1000')).body.toString()
  assert.ok(made.includes(id))
  for (const line of [`GET /control/v1/issuers/${id}?realm=nowhere`, 'GET /control/v1/issuers?realm=nowhere'])
    assert.equal((await calls.json(line)).status, 404)
  assert.equal(await say(token), 'active')
})

test('our own tokens are judged by the same call', async () => {
  const token = await calls.oauthToken(SVC)
  const answer = await calls.control('POST /verify', { token })
  assert.deepEqual(memberAt(answer, 'verdict'), { kind: 'active' })
  const facts = memberAt(answer, 'facts') as Record<string, unknown>
  assert.deepEqual([facts['source'], facts['client'], facts['kind']], ['oauth', SVC.clientId, 'access'])
  assert.ok(!answer.body.toString().includes(token))
  assert.equal(await say(`${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`), 'inactive malformed')
  assert.equal(await say('some text'), 'inactive unknown')
  assert.equal(await say('x\u0001'.repeat(5_000)), 'inactive malformed')
  assert.deepEqual(jsonOf(await calls.control('POST /verify', { token: 'no token' })), {
    verdict: { kind: 'inactive', why: 'unknown' },
    position: memberAt(await calls.control('POST /verify', { token: 'no token' }), 'position'),
  })
})

test('[W9] a realm’s own issuer cannot be registered as a foreign one, compared exactly', async () => {
  const metadata = await calls.send('GET /.well-known/oauth-authorization-server/api/id/v1')
  const own = textAt(metadata, 'issuer')
  const stranger = await provider('own-name')
  const body = { issuer: own, keys: [stranger.jwk] }
  assert.equal((await calls.control('POST /issuers', body)).status, 422)
})
