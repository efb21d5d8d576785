import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { Calls, CONTROL, jsonOf, memberAt, succeeded, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { Provider } from '../kit/provider.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { ANN, CHAT, OTHER, SEED, SVC } from '../kit/seed.ts'
import { CONTROL_KEY } from '../kit/server.ts'

// Credentials of ours that are not tokens, and tokens that a list holds in another form.

const seed = { realms: [...SEED.realms, { name: 'branch' }] }
const { server, calls } = await openForFile({
  time: 'hand',
  seed,
  flags: ['--control-rate', '0', '--allow-internal-fetch'],
})
let idp: Provider

before(async () => {
  idp = await Provider.open('https://idp.example', () => server.clock.wallMs() / 1_000)
  await done('POST /control/v1/issuers', { issuer: idp.issuer, jwksUrl: idp.jwksUrl })
})

after(() => idp.close())

type Said = Readonly<Record<string, unknown>>

async function done(line: string, body?: unknown, headers = [CONTROL]): Promise<RawAnswer> {
  return succeeded(await calls.json(line, body, headers), line)
}

async function send(query: string, body: string | Buffer, key = CONTROL): Promise<RawAnswer> {
  const own = new Calls(server.port)
  try {
    const headers = [key, 'Content-Type: text/plain']
    return await own.send(`POST /control/v1/revocations/bulk${query}`, headers, body)
  } finally {
    own.close()
  }
}

async function bulk(
  body: string | Buffer,
  query = '?dryRun=false&reason=leak',
  key = CONTROL,
): Promise<Said[]> {
  const answer = await send(query, body, key)
  assert.equal(answer.status, 200, answer.body.toString())
  return answer.body
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Said)
    .filter(({ line }) => line !== undefined)
}

async function say(token: string): Promise<string> {
  const { kind, why } = memberAt(await done('POST /control/v1/verify', { token }), 'verdict') as {
    kind: string
    why?: string
  }
  return why ?? kind
}

test('each kind of our keys and secrets is reported with the call that ends it, even to a responder [W2]', async () => {
  const responder = await done('POST /control/v1/keys', { name: 'r', role: 'responder' })
  const key = `Authorization: Bearer ${textAt(responder, 'key')}`
  const made = await done('POST /control/v1/keys', { name: 'leaked', role: 'viewer' })
  const verifier = await done('POST /control/v1/verifiers', { name: 'leaked one' })
  const app = await done('POST /control/v1/chat-apps', { name: 'leaked' })
  const sandbox = await done('POST /control/v1/chat-apps', { name: 'sand', sandbox: true })
  const client = await done('POST /control/v1/clients', {
    clientId: 'leaked',
    grantTypes: ['client_credentials'],
    scopes: [],
  })
  const token = await calls.identityToken(ANN)
  const subject = [`X-Auth-Token: ${token}`]
  const apps = `/v3/users/${ANN.id}/application_credentials`
  const credential = memberAt(
    await done(`POST ${apps}`, { application_credential: { name: 'leaked' } }, subject),
    'application_credential',
  ) as { id: string; secret: string }
  const { secrets } = jsonOf(client) as { secrets: readonly { id: string }[] }
  const table: readonly (readonly [text: string, credential: string, endedBy: string])[] = [
    [textAt(made, 'key'), 'controlKey', `DELETE /control/v1/keys/${textAt(made, 'id')}`],
    [CONTROL_KEY, 'controlKey', 'DELETE /control/v1/keys/first'],
    [textAt(verifier, 'key'), 'verifierKey', 'DELETE /control/v1/verifiers/leaked%20one'],
    ['orders-api-key-0123456789', 'verifierKey', 'DELETE /control/v1/verifiers/orders-api'],
    [
      textAt(client, 'clientSecret'),
      'clientSecret',
      `DELETE /control/v1/clients/leaked/secrets/${secrets[0]?.id}?revokeTokens=true`,
    ],
    [textAt(app, 'apiKey'), 'chatApiKey', 'PATCH /control/v1/chat-apps/leaked (apiKey, revokeTokens)'],
    [CHAT.apiKey, 'chatApiKey', 'PATCH /control/v1/chat-apps/acme (apiKey, revokeTokens)'],
    [
      textAt(sandbox, 'clientKey'),
      'chatClientKey',
      'PATCH /control/v1/chat-apps/sand (clientKey, revokeTokens)',
    ],
    [
      ANN.apiKey,
      'identityApiKey',
      `DELETE /v2.0/users/${ANN.id}/OS-KSADM/credentials/RAX-KSKEY:apiKeyCredentials`,
    ],
    [credential.secret, 'applicationCredential', `DELETE ${apps}/${credential.id}`],
  ]
  for (const [text, kind, endedBy] of table) {
    const basic = Buffer.from(`whoever:${text}`).toString('base64')
    const list = [
      text,
      `key=${text}`,
      JSON.stringify({ a: { secret: text } }),
      `Authorization: Basic ${basic}`,
    ]
    const said = await bulk(list.join('\n'), undefined, key)
    const expected = list.map((_, at) => ({ line: at + 1, result: 'credential', credential: kind, endedBy }))
    assert.deepEqual(said, expected, kind)
    assert.ok(!JSON.stringify(said).includes(text))
  }
  // The reported calls end what was found; afterwards it is no longer reported.
  await done(table[0]?.[2] ?? '')
  await done(table[2]?.[2] ?? '')
  await done(table[4]?.[2] ?? '')
  await done(table[9]?.[2] ?? '', undefined, subject)
  await done(table[8]?.[2] ?? '', undefined, subject)
  for (const at of [0, 2, 4, 9]) {
    const [said] = await bulk(table[at]?.[0] ?? '', undefined, key)
    assert.equal(said?.['result'], 'unknown', String(table[at]?.[1]))
  }
  assert.equal((await bulk(table[8]?.[0] ?? '', undefined, key))[0]?.['result'], 'notOurs')
})

test('a key of one realm learns of no key and no secret of another [W2]', async () => {
  const made = await done('POST /control/v1/keys', { name: 'b', role: 'responder', realm: 'branch' })
  const key = `Authorization: Bearer ${textAt(made, 'key')}`
  const other = textAt(
    await done('POST /control/v1/keys', { name: 'd', role: 'viewer', realm: 'default' }),
    'key',
  )
  const list = [CONTROL_KEY, 'orders-api-key-0123456789', SVC.clientSecret, CHAT.apiKey, ANN.apiKey, other]
  const said = await bulk(list.join('\n'), '', key)
  assert.deepEqual(
    said.map(({ result }) => result),
    ['notOurs', 'notOurs', 'notOurs', 'notOurs', 'notOurs', 'unknown'],
  )
  const own = await bulk(textAt(made, 'key'), '', key)
  assert.equal(own[0]?.['credential'], 'controlKey', 'its own key it may learn of')
})

test('an expired or replaced secret is not reported [W2]', async () => {
  const client = { clientId: 'rotated', grantTypes: ['client_credentials'], scopes: [] }
  const secret = textAt(await done('POST /control/v1/clients', client), 'clientSecret')
  await done('POST /control/v1/clients/rotated/secrets', { overlapSeconds: 60 })
  assert.equal((await bulk(secret, ''))[0]?.['credential'], 'clientSecret')
  server.clock.advance(60_001)
  assert.equal((await bulk(secret, ''))[0]?.['result'], 'unknown')
})

test('every credential of a line is ended, not only the named one [W3]', async () => {
  const line = async (make: (a: string, b: string) => string): Promise<void> => {
    const [a, b] = [await calls.oauthToken(SVC), await calls.oauthToken(OTHER)]
    const text = make(a, b)
    const said = await bulk(text)
    const wanted = [a, b].filter((one) => text.includes(one))
    assert.equal(said.filter(({ result }) => result === 'revoked').length, wanted.length, text)
    for (const one of wanted) assert.equal(await say(one), 'revoked')
  }
  await line((a) => JSON.stringify({ token: '***', msg: `Authorization: Bearer ${a}` }))
  await line((a) => JSON.stringify({ token: `Bearer ${a}` }))
  await line((a, b) => JSON.stringify({ token: a, refresh_token: b }))
  await line((a) =>
    JSON.stringify({ level: 'info', token: 'csrf-123', url: `https://x/?access_token=${a}&b=1` }),
  )
  await line((a) => JSON.stringify({ handle: 'me', text: a }))
  await line((a) => JSON.stringify({ issuer: 'x', jti: 'y', text: a }))
  await line((a) => JSON.stringify(`see ${a} in log`))
  await line((a, b) => JSON.stringify({ nested: [{ log: JSON.stringify({ a, b }) }] }))
})

test('the claims of a signed token do not name another token [W3]', async () => {
  const victim = await calls.oauthToken(SVC)
  const handle = textAt(await done('POST /control/v1/tokens/lookup', { token: victim }), 'facts', 'handle')
  const foreign = await idp.sign({ jti: 'of somebody else' })
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  for (const claims of [{ jti: handle }, { iss: idp.issuer, issuer: idp.issuer, jti: 'of somebody else' }]) {
    const forged = `${part({ alg: 'ES256', kid: 'one' })}.${part(claims)}.${Buffer.alloc(64).toString('base64url')}`
    for (const line of [forged, JSON.stringify({ token: forged }), `Bearer ${forged}.`])
      assert.deepEqual(await bulk(line), [{ line: 1, result: 'notOurs' }], line)
  }
  assert.deepEqual([await say(victim), await say(foreign)], ['active', 'active'])
})

test('a list in UTF-16 is read, with or without a mark, in either byte order [W4]', async () => {
  const bound = 'ein eigener Text, größer als Ω'
  const bytes = async (encode: (text: string) => Buffer, mark: boolean): Promise<void> => {
    const token = await calls.oauthToken(SVC)
    await calls.chatClient('utf-16')
    await calls.chatBound('utf-16', bound).catch(() => undefined)
    const text = `${mark ? '\ufeff' : ''}first\r\ntoken: ${token}\r\n${mark ? `secret-token:${encodeURIComponent(bound)}` : 'x'}\r\n`
    const said = await bulk(encode(text))
    assert.deepEqual(
      said.filter(({ result }) => result === 'revoked' || result === 'already').map(({ line }) => line),
      mark ? [2, 3] : [2],
      `${mark} ${encode.name}`,
    )
    assert.equal(await say(token), 'revoked')
  }
  const little = (text: string): Buffer => Buffer.from(text, 'utf16le')
  const big = (text: string): Buffer => little(text).swap16()
  for (const mark of [true, false]) for (const encode of [little, big]) await bytes(encode, mark)
  const token = await calls.oauthToken(SVC)
  assert.equal((await bulk(`\ufeff${token}\n`))[0]?.['result'], 'revoked', 'the mark of UTF-8')
})

test('a compressed body is refused, and binary data is never reported clean [W4]', async () => {
  const token = await calls.oauthToken(SVC)
  for (const packed of [
    gzipSync(`${token}\n`),
    Buffer.concat([Buffer.from('PK\u0003\u0004', 'latin1'), gzipSync(token)]),
    Buffer.from('BZh91AY&SY'),
    Buffer.from('28b52ffd0458', 'hex'),
    Buffer.from('fd377a585a0000', 'hex'),
    Buffer.from('fffe0000610000000a000000', 'hex'),
    Buffer.from('%PDF-1.7\n'),
  ]) {
    const answer = await send('', packed)
    assert.equal(answer.status, 415, packed.toString('latin1'))
    assert.match(answer.body.toString(), /send it as plain text/)
  }
  const said = await bulk(Buffer.concat([Buffer.from('a list:\n'), gzipSync(token.repeat(3))]))
  assert.deepEqual(said[0], { line: 1, result: 'notOurs' })
  assert.ok(said.slice(1).some(({ result }) => result === 'unreadable'))
  assert.equal(await say(token), 'active')
})

test('base64, HTTP Basic and broken lines are searched [W4]', async () => {
  const token = await calls.oauthToken(SVC)
  const foreign = await idp.sign()
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const wrapped = (base64(`tokens: ${foreign}\n`).match(/.{1,76}/g) ?? []).join('\r\n')
  const said = await bulk(
    [
      `token: ${base64(token)}`,
      `Authorization: Basic ${base64(`${SVC.clientId}:${SVC.clientSecret}`)}`,
      `${foreign.slice(0, 70)}=`,
      `${foreign.slice(70, 140)}=`,
      foreign.slice(140),
      '',
      wrapped,
    ].join('\n'),
    '',
  )
  const told = said.filter(({ result }) => result !== 'notOurs')
  assert.deepEqual(
    told.map(({ line, result, credential }) => [line, credential ?? result]),
    [
      [1, 'wouldRevoke'],
      [2, 'clientSecret'],
      [5, 'wouldRevoke'],
      [6 + wrapped.split('\n').length, 'already'],
    ],
  )
})

test('a line with more than is searched says so [W4]', async () => {
  const words = Array.from({ length: 1_100 }, (_, nth) => `word-number-${nth}`).join(' ')
  assert.deepEqual(await bulk(words, ''), [{ line: 1, result: 'tooMany' }])
})

test('a JWS with an unusually spelled header is ended, alone, in a line, and in any spelling [W5]', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer = 'https://pretty.example'
  const keys = [publicKey.export({ format: 'jwk' })]
  await done('POST /control/v1/issuers', { issuer, keys, algorithms: ['ES256'] })
  const now = Math.floor(server.clock.wallMs() / 1_000)
  const part = (text: string): string => Buffer.from(text).toString('base64url')
  for (const [nth, header] of [
    '{\n  "alg": "ES256"\n}',
    ' {"alg":"ES256"}',
    '\t{ "typ": "JWT", "alg": "ES256" }',
  ].entries()) {
    const claims = { iss: issuer, jti: `pretty-${nth}`, sub: 'ann', iat: now, exp: now + 600 }
    const input = `${part(header)}.${part(JSON.stringify(claims))}`
    const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
    const token = `${input}.${signature.toString('base64url')}`
    assert.equal(await say(token), 'active')
    // The last character has unused bits, so the text in a list may differ from the issued one.
    const spare = `${token.slice(0, -1)}${String.fromCharCode(token.charCodeAt(token.length - 1) + 1)}`
    const text =
      nth === 0 ? token : nth === 1 ? `Authorization: Bearer ${token}.` : JSON.stringify({ t: spare })
    assert.deepEqual(await bulk(text), [
      { line: 1, result: 'revoked', source: `iss:${issuer}`, jti: `pretty-${nth}`, subject: 'ann' },
    ])
    assert.equal(await say(token), 'revoked')
  }
})
