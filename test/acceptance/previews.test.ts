import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { basic, CONTROL, FORM_BODY, jsonOf, memberAt, succeeded, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { Provider } from '../kit/provider.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { ANN, GATEWAY, SEED } from '../kit/seed.ts'

// [W41] A preview's count of recorded tokens must not be shown as if it were complete.

const VERIFIER = 'Authorization: Bearer orders-api-key-0123456789'
const ISSUER = 'https://idp.example/'
const SOURCE = `iss:${ISSUER}`

const { server, calls } = await openForFile({
  time: 'hand',
  seed: SEED,
  flags: ['--allow-internal-fetch', '--control-rate', '0', '--identity-rate', '0'],
})
let idp: Provider

before(async () => {
  idp = await Provider.open(ISSUER, () => server.clock.wallMs() / 1_000)
})

after(() => idp.close())

async function send(line: string, body: unknown, headers = [CONTROL]): Promise<RawAnswer> {
  return succeeded(await calls.json(line, body, headers), line)
}

type Shown = {
  readonly complete: boolean
  readonly tokens: number
  readonly credentials: number
  readonly notCounted?: { readonly what: string; readonly usedLast15Minutes: number }
  readonly summary: string
  readonly digest: string
}

async function preview(target: object, more: object = {}): Promise<Shown> {
  const body = { target, reason: 'r', dryRun: true, ...more }
  return jsonOf(await send('POST /control/v1/revocations', body)) as Shown
}

const used = async (target: object): Promise<number | undefined> =>
  (await preview(target)).notCounted?.usedLast15Minutes

test('[W41] without registered issuers, the preview of a whole realm is complete', async () => {
  await calls.chatToken('zoe')
  const { complete, tokens, notCounted } = await preview({ realm: true })
  assert.deepEqual([complete, tokens, notCounted], [true, 1, undefined])
})

test('[W41] a preview that covers foreign tokens is never complete and says what it cannot count, in every shape', async () => {
  const claims = { client: 'azp', session: 'sid', tenant: 'org' }
  await send('POST /control/v1/issuers', { issuer: idp.issuer, jwksUrl: idp.jwksUrl, claims })
  const token = await idp.sign({ jti: 'one', sub: 'ann' })
  const key = textAt(await send('POST /control/v1/verify', { token }), 'facts', 'keyId')
  for (const target of [
    ...[{ token }, { issuer: ISSUER, jti: 'one' }, { key }, { realm: true }, { source: SOURCE }],
    ...[
      { source: SOURCE, subject: 'ann' },
      { issuer: ISSUER, subject: 'ann' },
      { source: SOURCE, client: 'shop' },
    ],
    ...[
      { source: SOURCE, tenant: 'acme' },
      { source: SOURCE, session: 's' },
    ],
    ...[
      { source: ['identity', SOURCE], subject: 'ann' },
      { source: SOURCE, subject: 'ann', client: 'shop' },
    ],
  ]) {
    const { complete, notCounted, summary } = await preview(target)
    assert.equal(complete, false, JSON.stringify(target))
    assert.match(notCounted?.what ?? '', /registered issuers/, JSON.stringify(target))
    assert.match(summary, /^≥ .*not counted: tokens of registered issuers/)
  }
  for (const target of [
    { source: 'identity', subject: ANN.id },
    { source: 'oauth' },
    { source: 'chat/acme' },
  ]) {
    const { complete, notCounted } = await preview(target)
    assert.deepEqual([complete, notCounted], [true, undefined], JSON.stringify(target))
  }
})

test('[W41] foreign tokens that verifiers and gateways presented count as used for 15 minutes', async () => {
  const ben = { source: SOURCE, subject: 'ben' }
  const sign = (jti: string, sub = 'ben'): Promise<string> => idp.sign({ jti, sub, azp: 'shop' })
  const [one, two, three, eve] = [await sign('1'), await sign('2'), await sign('3'), await sign('4', 'eve')]
  assert.equal(await used(ben), 0)
  await send('POST /control/v1/verify', { token: one }, [VERIFIER])
  await send('POST /control/v1/verify', { token: one }, [VERIFIER])
  assert.equal(await used(ben), 1, 'once a token')
  assert.equal((await calls.send('GET /check', [`Authorization: Bearer ${two}`])).status, 200)
  const form = `token=${three}`
  const state = await calls.send('POST /api/id/v1/auth/token/introspect', [basic(GATEWAY), FORM_BODY], form)
  assert.equal(memberAt(state, 'active'), true)
  await send('POST /control/v1/verify', { token: eve }, [VERIFIER])
  assert.deepEqual([await used(ben), await used({ source: SOURCE, client: 'shop' })], [3, 4])
  await send('POST /control/v1/verify', { token: await sign('5') })
  assert.equal(await used(ben), 3, 'an operator who looks it up uses nothing')
  await send('POST /control/v1/revocations', { target: { token: one }, reason: 'r' })
  assert.equal(await used(ben), 2, 'what is over already would not end')
  server.clock.advance(16 * 60_000)
  assert.equal(await used(ben), 0)
})

test('[W41] a preview is also incomplete for a chat app whose own server verifies tokens', async () => {
  const verifyUrl = 'https://app.example/verify'
  await send('POST /control/v1/chat-apps', { name: 'vouched', verifyUrl })
  const { complete, notCounted } = await preview({ source: 'chat/vouched', client: 'ann' })
  assert.equal(complete, false)
  assert.match(notCounted?.what ?? '', /vouches for/)
})

test('a preview counts the credentials that would end with the rule, and none that stay', async () => {
  const token = await calls.identityToken(ANN)
  for (const name of ['ci', 'cd'])
    await send(`POST /v3/users/${ANN.id}/application_credentials`, { application_credential: { name } }, [
      `X-Auth-Token: ${token}`,
    ])
  const subject = { source: 'identity', subject: ANN.id }
  assert.equal((await preview(subject)).credentials, 3, 'two application credentials and the API key')
  assert.equal((await preview(subject, { keepCredentials: true })).credentials, 0)
  for (const target of [
    { source: 'identity' },
    { source: 'identity', tenant: ANN.tenant },
    { source: 'oauth', subject: ANN.id },
  ])
    assert.equal((await preview(target)).credentials, 0, JSON.stringify(target))
  const credentials = `GET /control/v1/identity-users/${ANN.id}/credentials`
  const list = async (): Promise<number> =>
    (memberAt(await calls.send(credentials, [CONTROL]), 'credentials') as readonly unknown[]).length
  const had = await list()
  const { digest } = await preview(subject)
  await send('POST /control/v1/revocations', { target: subject, reason: 'r', ifPreview: digest })
  assert.equal(had - (await list()), 3)
})

test('a dated preview also counts tokens made with its credentials', async () => {
  const token = await calls.identityToken(ANN)
  const body = { application_credential: { name: 'old' } }
  const made = await send(`POST /v3/users/${ANN.id}/application_credentials`, body, [
    `X-Auth-Token: ${token}`,
  ])
  const { id, secret } = memberAt(made, 'application_credential') as { id: string; secret: string }
  server.clock.advance(60_000)
  const issuedBefore = new Date(server.clock.wallMs()).toISOString()
  server.clock.advance(60_000)
  const identity = { methods: ['application_credential'], application_credential: { id, secret } }
  await send('POST /v3/auth/tokens', { auth: { identity } }, [])
  const shown = await preview({ source: 'identity', subject: ANN.id }, { issuedBefore })
  assert.deepEqual(
    [shown.credentials, shown.tokens],
    [1, 2],
    'the login of the credential came after the date',
  )
})
