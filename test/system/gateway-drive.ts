import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { IDENTITY_HEADERS } from '../../server/records/header-names.ts'
import { Calls, jsonOf } from '../kit/calls.ts'
import { headerOf, type RawAnswer, rawExchange, requestBytes } from '../kit/raw-http.ts'
import { BOB, CHAT, SEED, SVC } from '../kit/seed.ts'
import { CONTROL_KEY, type ServerProcess } from '../kit/server.ts'
import type { Reached } from './gateway-service.ts'

const LIMITED = { clientId: 'limited', clientSecret: 'limited-secret-0123456789' }
const REALM = {
  name: 'default',
  checkProfiles: [{ name: 'orders', scopes: ['read'] }],
  oauthClients: [{ ...LIMITED, grantTypes: ['client_credentials'], scopes: ['write'], introspect: 'own' }],
}
export const DRIVE_SEED: typeof SEED = { realms: [...SEED.realms, REALM] }

const LINE = 'GET /orders/p/other?scope=none HTTP/1.1'
/** RFC 9110 §5.6.2: what a name may hold beside letters and digits. */
const MARKS = "-!#$%&'*+.^_`|~"

type Driven = { readonly port: number; readonly server: ServerProcess }
type Sent = {
  readonly line?: string
  readonly headers?: readonly string[]
  readonly body?: string | Buffer
}

const bearer = (token: string): string => `Authorization: Bearer ${token}`

/** A gateway with a live and a revoked token of one client, and a token of another client without the scope. */
class Drive {
  readonly #port: number
  readonly #check: number
  readonly calls: Calls
  live = ''
  dead = ''

  constructor({ port, server }: Driven) {
    this.#port = port
    this.#check = Number(new URL(server.url).port)
    this.calls = new Calls(this.#check)
  }

  ask({ line = LINE, headers = [], body }: Sent): Promise<RawAnswer> {
    return rawExchange(this.#port, requestBytes({ line, headers, ...(body === undefined ? {} : { body }) }))
  }

  /**
   * Accepts the live token and refuses the revoked one, with anything else that is sent. @returns what reached the
   * service.
   */
  async judged(sent: Sent, what: string): Promise<Reached> {
    const { headers = [] } = sent
    const refused = await this.ask({ ...sent, headers: [bearer(this.dead), ...headers] })
    assert.equal(refused.status, 401, `${what}, revoked`)
    const inside = await this.ask({ ...sent, headers: [bearer(this.live), ...headers] })
    assert.equal(inside.status, 200, `${what}: ${inside.body.toString()}`)
    return jsonOf(inside) as Reached
  }

  /** Rescind's own headers about a token, without the empty ones. */
  async told(token: string): Promise<ReadonlyMap<string, string>> {
    const line = 'GET /check/p/orders HTTP/1.1'
    const answer = await rawExchange(this.#check, requestBytes({ line, headers: [bearer(token)] }))
    assert.equal(answer.status, 200)
    return new Map(IDENTITY_HEADERS.flatMap((name) => filled(name, headerOf(answer, name))))
  }

  /** Asks for an upgrade to WebSocket. @returns everything that comes back. */
  upgrade(token: string, ...headers: readonly string[]): Promise<string> {
    const key = ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13']
    const wish = ['Connection: Upgrade', 'Upgrade: websocket', ...key]
    return this.text(requestBytes({ line: LINE, headers: [bearer(token), ...wish, ...headers] }))
  }

  /** Everything that comes back: until the end after an upgrade, else the first bytes. */
  async text(bytes: Buffer): Promise<string> {
    const socket = connect(this.#port, '127.0.0.1')
    socket.write(bytes)
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (!text.startsWith('HTTP/1.1 101')) socket.destroy()
    })
    socket.on('error', () => socket.destroy())
    await once(socket, 'close')
    return text
  }
}

function filled(name: string, value: string | undefined): readonly (readonly [string, string])[] {
  return value === undefined || value === '' ? [] : [[name, value]]
}

/** The headers that a service could take for ours, in any reading of names; empty ones mean nothing. */
function identityIn(headers: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (let at = 0; at < headers.length; at += 2) {
    const name = (headers[at] ?? '').toLowerCase().replaceAll(/[^a-z0-9]/g, '-')
    if (!name.startsWith('x-auth-') || headers[at + 1] === '') continue
    assert.ok(!found.has(name), `${name} comes twice: ${headers[at]}`)
    found.set(name, headers[at + 1] ?? '')
  }
  return found
}

/** All that a gateway has to do for the service behind it, with plain requests and odd ones. */
export async function drive(driven: Driven): Promise<string> {
  const run = new Drive(driven)
  run.live = (await run.calls.oauthGrant('ann')).access
  run.dead = (await run.calls.oauthGrant('ann')).access
  await run.calls.oauthRevoke(SVC, run.dead)
  await refuses(run)
  await clearsForged(run)
  await passesOn(run)
  await letsNoneAround(run)
  await upgrades(run)
  const effectMs = await revokes(run)
  run.calls.close()
  await driven.server.kill()
  const down = await run.ask({ headers: [bearer('whatever')] })
  assert.ok([502, 503].includes(down.status), `${down.status} while nobody can tell`)
  return `401 on the first request after the revocation (${effectMs} ms), ${down.status} when Rescind is gone; nothing forged passes`
}

/** The kind: a credential that is no live access token with the scope that the profile demands. */
async function refuses(run: Drive): Promise<void> {
  const without = await run.ask({ headers: ['X-Auth-Subject: root'] })
  assert.equal(without.status, 401)
  assert.match(headerOf(without, 'www-authenticate') ?? '', /^Bearer/)
  const { refresh } = await run.calls.oauthGrant('ann')
  const basic = Buffer.from(`${SVC.clientId}:${SVC.clientSecret}`).toString('base64')
  const refused = [
    ...[refresh, CONTROL_KEY, SVC.clientSecret, CHAT.apiKey, 'orders-api-key-0123456789', 'x', '%zz'].map(
      bearer,
    ),
    ...[`Authorization: Basic ${basic}`, `X-Auth-Token: ${run.live}`, `Cookie: token=${run.live}`],
  ]
  for (const header of refused) assert.equal((await run.ask({ headers: [header] })).status, 401, header)
  const lacking = [await run.calls.oauthToken(LIMITED), await run.calls.identityToken(BOB)]
  for (const token of lacking) assert.equal((await run.ask({ headers: [bearer(token)] })).status, 403)
  const twice = [
    [bearer(run.live), bearer(run.live)],
    [bearer(run.live), bearer(run.dead)],
    [bearer(run.dead), bearer(run.live)],
  ]
  for (const headers of twice) {
    const { status } = await run.ask({ headers })
    assert.ok(status === 401 || status === 400, `two credentials: ${status}`)
  }
}

/** The kind: a header that some service takes for ours, in any spelling, and that did not come from Rescind. */
async function clearsForged(run: Drive): Promise<void> {
  const told = await run.told(run.live)
  const spellings = new Set<string>()
  for (const name of IDENTITY_HEADERS) {
    const [, , last = ''] = name.split('-')
    for (const mark of MARKS) spellings.add(`X${mark}Auth${mark}${last}`)
    for (const other of [`x_auth-${last}`, `X-AUTH_${last.toUpperCase()}`, name.toUpperCase()])
      spellings.add(other)
  }
  for (const name of spellings) {
    const { headers } = await run.judged({ headers: [`${name}: root`, `${name}: root`] }, name)
    assert.deepEqual(identityIn(headers), told, name)
  }
  const all = IDENTITY_HEADERS.map((name) => `${name}: root`)
  const options = `Connection: close, ${IDENTITY_HEADERS.join(', ')}, Authorization`
  const { headers } = await run.judged({ headers: [...all, options] }, 'a caller that asks to remove them')
  assert.deepEqual(identityIn(headers), told)
}

/** The kind: a request that might make `/check` stumble. */
async function passesOn(run: Drive): Promise<void> {
  const cookies = [7_000, 7_000, 3_000].map((length, at) => `Cookie: c${at}=${'a'.repeat(length)}`)
  const { headers } = await run.judged({ headers: cookies }, 'many cookies')
  assert.ok(headers.join('').length > 17_000)
  const zipped = gzipSync('x'.repeat(100_000))
  const post = LINE.replace('GET', 'POST')
  const bodies: readonly (Sent & { readonly bytes: number })[] = [
    { headers: ['Content-Encoding: gzip', 'Content-Type: text/plain'], body: zipped, bytes: zipped.length },
    { headers: ['Content-Encoding: gzip, x-unknown'], body: 'not that', bytes: 8 },
    { body: 'x'.repeat(300_000), bytes: 300_000 },
    { headers: ['Transfer-Encoding: chunked'], body: '3\r\nabc\r\n0\r\n\r\n', bytes: 3 },
    { headers: ['Expect: 100-continue'], body: 'abc', bytes: 3 },
    { headers: ['Content-Type: application/json; charset=utf-16', ...cookies], body: '{', bytes: 1 },
  ]
  for (const { bytes, ...sent } of bodies) {
    const reached = await run.judged({ line: post, ...sent }, JSON.stringify(sent).slice(0, 80))
    assert.deepEqual([reached.method, reached.bytes], ['POST', bytes])
  }
  for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
    assert.equal((await run.judged({ line: LINE.replace('GET', method) }, method)).method, method)
  }
  const odd = [
    'Idempotency-Key: a',
    'Idempotency-Key: b',
    'If-None-Match: *',

    'Accept: x/y;q=z',
  ]
  await run.judged(
    { headers: [...odd, 'X-Forwarded-For: nobody', 'X-Original-URL: /control'] },
    'odd headers',
  )
  const many = Array.from({ length: 85 }, (_, at) => `X-${at}: y`)
  await run.judged({ headers: many }, 'many headers')
  for (const target of ['/%zz', '/a?access_token=x&access_token=y', '/a//b/', '/p/none']) {
    const { status } = await run.ask({ line: `GET ${target} HTTP/1.1`, headers: [bearer(run.dead)] })
    assert.ok(status === 401 || status === 400, `${target}: ${status}`)
  }
}

/** The kind: a request line that gateway and service read differently, or that the gateway does not ask about. */
async function letsNoneAround(run: Drive): Promise<void> {
  const lines = [
    ...['TRACE / HTTP/1.1', 'OPTIONS * HTTP/1.1', 'FOO / HTTP/1.1', 'GET / HTTP/1.0', 'HEAD / HTTP/1.1'],
    ...[
      'GET http://127.0.0.1:8080/ HTTP/1.1',
      'GET //x HTTP/1.1',
      'GET /../x HTTP/1.1',
      'GET /%2e%2e/x HTTP/1.1',
    ],
    ...[
      'GET /_rescind HTTP/1.1',
      'GET /_unavailable HTTP/1.1',
      'GET /.well-known/x HTTP/1.1',
      'CONNECT 127.0.0.1:1 HTTP/1.1',
    ],
  ]
  for (const line of lines) {
    const text = await run.text(requestBytes({ line, headers: [bearer(run.dead), 'Connection: close'] }))
    const what = `${line}: ${text.slice(0, 300)}`
    // No answer counts as a refusal; `*` asks for the gateway itself.
    assert.ok(/^(?:HTTP\/1\.[01] [45]|$)/.test(text) || line.startsWith('OPTIONS *'), what)
    assert.ok(!text.includes('"headers"'), what)
  }
}

async function upgrades(run: Drive): Promise<void> {
  const told = await run.told(run.live)
  assert.match(await run.upgrade(run.dead), /^HTTP\/1\.1 401 /)
  const inside = await run.upgrade(run.live, 'X-Auth-Act: root', 'X_Auth_Tenant: root')
  assert.match(inside, /^HTTP\/1\.1 101 /)
  const reached = JSON.parse(inside.slice(inside.indexOf('\r\n\r\n') + 4)) as string[]
  assert.deepEqual(identityIn(reached), told)
}

/** @returns the milliseconds after which the first request was refused. */
async function revokes(run: Drive): Promise<number> {
  await run.calls.oauthRevoke(SVC, run.live)
  const revokedAtMs = performance.now()
  assert.equal((await run.ask({ headers: [bearer(run.live)] })).status, 401, 'it was let in once more')
  return Math.round(performance.now() - revokedAtMs)
}
