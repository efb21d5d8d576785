import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  accessTokenIn,
  Calls,
  chatTokenIn,
  identityTokenIn,
  isActive,
  refreshTokenIn,
  textAt,
} from './kit/calls.ts'
import { type Canary, type Evidence, encodingsOf, findCanaries } from './kit/canaries.ts'
import { runCommand, startCommand } from './kit/command.ts'
import { limitFileSize, whyNoLimits } from './kit/full-disk.ts'
import { type Keys, oddRequests } from './kit/odd-requests.ts'
import { Place } from './kit/place.ts'
import { type HttpAnswer, PlainHttp } from './kit/plain-http.ts'
import { type Planting, plant, shown } from './kit/planting.ts'
import { RawConnection } from './kit/raw-connection.ts'

/** Files that exist to hold a secret. */
const KEY_FILES: ReadonlySet<string> = new Set(['control.key', 'master.key'])

const secret = (of: string): string => `canary ${of}+/=% ü ${randomBytes(12).toString('hex')}`
const plain = (of: string): string => `canary-${of}-${randomBytes(12).toString('hex')}`

const WHO = {
  app: 'acme',
  apiKey: plain('chat-api-key'),
  clientKey: plain('chat-client-key'),
  svc: { clientId: 'svc', clientSecret: secret('client-secret') },
  any: { clientId: 'any', clientSecret: secret('other-client-secret') },
  user: { username: 'ann', password: secret('password'), apiKey: secret('user-api-key') },
  verifierKey: plain('verifier-key'),
}

const SEED = {
  realms: [
    {
      name: 'default',
      chatApps: [{ name: WHO.app, apiKey: WHO.apiKey, clientKey: WHO.clientKey }],
      oauthClients: [
        { ...WHO.svc, grantTypes: ['client_credentials', 'refresh_token'], scopes: ['read'] },
        { ...WHO.any, grantTypes: ['client_credentials'], introspect: 'any' },
      ],
      identity: {
        tenants: [{ id: '900', name: '900' }],
        users: [{ id: '7', ...WHO.user, tenantId: '900', roles: ['identity:admin'] }],
      },
      verifiers: [{ name: 'orders', key: WHO.verifierKey }],
    },
  ],
}

test('[W85] [J01] [J02] [J03] [J05] [J07] [J13] no token and no secret is in what is logged, shown or stored', async (t) => {
  const place = new Place(t)
  writeFileSync(join(place.home.folder, 'seed.json'), JSON.stringify(SEED), { mode: 0o600 })
  const words = ['serve', '--listen', '127.0.0.1:0', '--seed', 'seed.json', '--log-level', 'debug']
  const server = startCommand(t, { words: [...words, '--identity-rate', '0'], folder: place.home.folder })
  await server.says(/"url":"http[^"]+"/)
  const url = /"url":"(http[^"]+)"/.exec(server.output())?.[1] ?? ''
  const data = join(place.home.folder, 'rescind-data')
  const controlKey = readFileSync(join(data, 'control.key'), 'utf8').trim()
  const secrets = [
    ...Object.entries({ ...WHO, ...WHO.user, svc: WHO.svc.clientSecret, any: WHO.any.clientSecret })
      .filter(([, text]) => typeof text === 'string' && text.startsWith('canary'))
      .map(([name, text]) => ({ name, text: String(text) })),
    { name: 'control key', text: controlKey },
    { name: 'master key', text: readFileSync(join(data, 'master.key'), 'utf8').trim() },
  ]
  const errors: Evidence[] = []
  const tokens = await drive({ url, controlKey, errors, pid: server.process.pid ?? 0 })
  const canaries = [...secrets, ...tokens]
  const store = ['--store', `sqlite:${join(data, 'rescind.db')}`]
  const copied = await runCommand(t, { words: ['backup', 'copy.db', ...store], folder: place.home.folder })
  assert.equal(copied.code, 0, copied.stderr)
  const http = new PlainHttp(url)
  const scraped = await http.ask({
    method: 'GET',
    path: '/metrics',
    headers: { authorization: `Bearer ${controlKey}` },
  })
  http.close()
  assert.equal(scraped.status, 200)
  const running = [
    ...errors,
    ...filesIn(data),
    { where: 'the backup', bytes: readFileSync(join(place.home.folder, 'copy.db')) },
    { where: 'metrics', bytes: Buffer.from(scraped.text) },
    { where: 'the command line', bytes: readFileSync(`/proc/${server.process.pid}/cmdline`) },
  ]
  assert.deepEqual(findCanaries(canaries, running), [])
  server.process.kill('SIGTERM')
  assert.equal((await server.ended).code, 0)
  const stopped = [...filesIn(data), { where: 'the output', bytes: Buffer.from(server.output()) }]
  assert.deepEqual(findCanaries(canaries, stopped), [])
  const bytes = [...running, ...stopped].reduce((total, one) => total + one.bytes.length, 0)
  t.diagnostic(`${canaries.length} canaries, ${errors.length} refusals, ${bytes} bytes searched`)
  // The search itself works: it finds a text that is there.
  const seed = [{ where: 'the seed', bytes: readFileSync(join(place.home.folder, 'seed.json')) }]
  assert.ok(findCanaries(secrets, seed).length >= secrets.length - 2)
  assert.match(server.output(), /"level":40,[^\n]*"msg":"could not answer"/)
})

test('the search finds a text in each encoding, at any place', () => {
  const canary = { name: 'it', text: secret('x') }
  const bytes = Buffer.from(canary.text)
  for (const lead of ['', 'a', 'ab', 'abc']) {
    const whole = Buffer.concat([Buffer.from(lead), bytes, Buffer.from(' and more')])
    for (const form of [
      whole,
      Buffer.from(whole.toString('base64')),
      Buffer.from(whole.toString('base64url')),
    ])
      assert.notDeepEqual(findCanaries([canary], [{ where: 'here', bytes: form }]), [])
  }
  assert.ok([...encodingsOf(canary.text).values()].every((needle) => needle.length > 20))
  assert.deepEqual(findCanaries([canary], [{ where: 'here', bytes: Buffer.from('nothing') }]), [])
})

function filesIn(folder: string): readonly Evidence[] {
  return readdirSync(folder)
    .filter((name) => !KEY_FILES.has(name))
    .map((name) => ({ where: name, bytes: readFileSync(join(folder, name)) }))
}

type Drive = {
  readonly url: string
  readonly controlKey: string
  /** Collects the bodies and headers of refusals. */
  readonly errors: Evidence[]
  readonly pid: number
}

/** Uses every route as it is meant, then in ways that it is not. @returns the tokens that appeared. */
async function drive({ url, controlKey, errors, pid }: Drive): Promise<readonly Canary[]> {
  const calls = new Calls(url, { ...WHO, ann: WHO.user, gateway: WHO.any, controlKey })
  const tokens = await useAsMeant(calls)
  const identity = identityTokenIn(await calls.identityLogin())
  const basic = Buffer.from(`${WHO.svc.clientId}:${WHO.svc.clientSecret}`).toString('base64')
  const keys: Keys = {
    chat: WHO.apiKey,
    control: controlKey,
    basic: `Basic ${basic}`,
    identity,
    login: WHO.user,
  }
  for (const { name, text } of tokens) {
    if (!name.startsWith('odd')) continue
    for (const ask of oddRequests(text, keys))
      keep(errors, `${ask.method} with ${name}`, await calls.ask(ask))
    await askBroken(url, text, errors)
  }
  const planting: Planting = {
    ...{ calls, controlKey, identity, chatKey: WHO.apiKey, verifierKey: WHO.verifierKey },
    isChosen: ({ name }) =>
      name.includes('assigned') || name.includes('broken') || name.includes('of a chat token'),
  }
  // Pieces of a token, and text that was never a token, must not be found anywhere, too.
  const whole = tokens.filter(({ name }) => !name.includes('broken') && !name.startsWith('the '))
  assert.ok((await plant(planting, whole)) > whole.length)
  errors.push(...(await shown(planting)))
  if (whyNoLimits() === undefined) await failAll(calls, { tokens, errors, pid })
  calls.close()
  return [...tokens, { name: 'the last login', text: identity }]
}

function keep(errors: Evidence[], where: string, { status, headers, text }: HttpAnswer): void {
  assert.ok(status < 500 || status === 503, `${where}: ${status} ${text}`)
  if (status < 400) return
  errors.push({ where: `an error to ${where}`, bytes: Buffer.from(JSON.stringify(headers) + text) })
}

async function useAsMeant(calls: Calls): Promise<readonly Canary[]> {
  const access = accessTokenIn(await calls.oauthIssue())
  const grant = await calls.oauthGrant('ann')
  const rotated = await calls.oauthRefresh(refreshTokenIn(grant))
  const login = await calls.json({
    method: 'POST',
    path: '/v2.0/tokens',
    headers: {},
    value: { auth: { passwordCredentials: { username: WHO.user.username, password: WHO.user.password } } },
  })
  const mine = identityTokenIn(login)
  const other = identityTokenIn(await calls.identityLogin())
  const minted = chatTokenIn(await calls.chatIssue('c1'))
  const ended = chatTokenIn(await calls.chatIssue('c1'))
  const [assigned, bound] = [secret('assigned-text'), secret('bound-text')]
  assert.equal(textAt(await calls.chatBind('c1', assigned), 'result', 'token'), assigned)
  assert.equal((await calls.chatBind('c1', bound)).status, 200)
  assert.equal((await calls.chatMe(minted)).status, 200)
  for (const token of [access, mine, minted, assigned])
    assert.ok(isActive(await calls.introspectAsGateway(token)))
  assert.equal((await calls.identityValidate(mine, other)).status, 200)
  assert.equal((await calls.identityRevoke(mine, other)).status, 204)
  assert.equal((await calls.chatRevoke('c1', ended)).status, 200)
  assert.equal((await calls.oauthRevoke(accessTokenIn(grant))).status, 200)
  assert.equal((await calls.oauthRevoke(refreshTokenIn(rotated))).status, 200)
  return [
    { name: 'odd: a live access token', text: access },
    { name: 'odd: assigned text', text: assigned },
    { name: 'odd: a login', text: mine },
    { name: 'odd: a broken token', text: `${access.slice(0, -1)}${access.endsWith('0') ? '1' : '0'}` },
    { name: 'other assigned text', text: bound },
    { name: 'a chat token', text: minted },
    { name: 'the payload of a chat token', text: minted.split('.')[1] ?? '' },
    { name: 'the signature of a chat token', text: minted.split('.')[2] ?? '' },
    { name: 'a revoked chat token', text: ended },
    { name: 'a revoked access token', text: accessTokenIn(grant) },
    { name: 'a used refresh token', text: refreshTokenIn(grant) },
    { name: 'a revoked refresh token', text: refreshTokenIn(rotated) },
    { name: 'a revoked login', text: other },
  ]
}

/** Sends text that is no HTTP, which is refused before anything is routed. */
async function askBroken(url: string, text: string, errors: Evidence[]): Promise<void> {
  const part = encodeURIComponent(text)
  const host = 'host: x\r\nconnection: close\r\n'
  const requests = [
    `GET http://evil.example/${part} HTTP/1.1\r\n${host}\r\n`,
    `GET /v2.0/tokens/${part}\0 HTTP/1.1\r\n${host}\r\n`,
    `${part} / HTTP/1.1\r\n${host}\r\n`,
    `GET /me HTTP/1.1\r\n${host}im-authorization: ${part}\r\nim-authorization: ${part}\r\n\r\n`,
    `GET /me HTTP/1.1\r\n${host}im-authorization ${part}\r\n\r\n`,
    `GET /me HTTP/1.1\r\n${host}im-authorization: ${part.padEnd(20_000, 'x')}\r\n\r\n`,
    `GET /%zz/${part} HTTP/1.1\r\n${host}\r\n`,
    `POST /v2.0/tokens HTTP/1.1\r\n${host}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n${part}`,
    `POST /v2.0/tokens HTTP/1.1\r\n${host}transfer-encoding: chunked\r\n\r\n${part}\r\n`,
    `POST /v2.0/tokens HTTP/1.1\r\n${host}content-length: 99999999\r\n\r\n${part}`,
  ]
  for (const request of requests) {
    const connection = await RawConnection.open(url)
    connection.send(request)
    await connection.closed
    assert.match(connection.text, /^HTTP\/1\.1 4\d\d /, JSON.stringify(request.slice(0, 60)))
    errors.push({ where: 'an error to what is no HTTP', bytes: Buffer.from(connection.text) })
  }
}

type Fail = { readonly tokens: readonly Canary[]; readonly errors: Evidence[]; readonly pid: number }

/** Writes the log of an outage during a request that holds a token. */
async function failAll(calls: Calls, { tokens, errors, pid }: Fail): Promise<void> {
  limitFileSize(pid, 0)
  for (const { name, text } of tokens) {
    keep(errors, `an outage with ${name}`, await calls.oauthRevoke(text))
    keep(errors, `an outage with ${name}`, await calls.chatRevoke('c1', text))
    keep(errors, `an outage with ${name}`, await calls.chatBind('c1', `${text}+`))
    keep(errors, 'an outage of issuing', await calls.oauthIssue())
  }
  limitFileSize(pid, 'unlimited')
}
