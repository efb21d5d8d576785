import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { openVerifierWorld } from '../test/kit/world-verifier.ts'
import { httpTransport } from './source/http.ts'
import { TIMERS } from './source/timers.ts'
import { SourceFailed } from './source/trouble.ts'

/** Responses that do not answer "is this token good?" and must never count as yes. */
const NO_ANSWERS: readonly (readonly [name: string, status: number, body: string, type?: string])[] = [
  ['an empty object', 200, '{}'],
  ['active as text', 200, '{"active":"true"}'],
  ['active as a number', 200, '{"active":1}'],
  ['active as this server never says it', 200, '{"active":true}'],
  ['null', 200, 'null'],
  ['a list', 200, '[]'],
  ['true', 200, 'true'],
  ['text', 200, '"active"'],
  ['nothing at all', 200, ''],
  ['JSON that breaks off', 200, '{"verdict":{"kind":"active"},"facts":{"source":"oau'],
  ['a page of HTML', 200, '<!doctype html><title>Sign in</title>', 'text/html'],
  ['no content', 204, ''],
  ['a redirect', 302, ''],
  ['a partial answer', 206, '{"verdict":{"kind":"active"}}'],
  ['a created one', 201, '{"verdict":{"kind":"active"}}'],
  ['a verdict as text', 200, '{"verdict":"active"}'],
  ['a verdict as a list', 200, '{"verdict":["active"]}'],
  ['a kind that does not exist', 200, '{"verdict":{"kind":"ACTIVE"}}'],
  ['a kind that is true', 200, '{"verdict":{"kind":true}}'],
  ['a verdict without a kind', 200, '{"verdict":{"why":"revoked"}}'],
  ['a verdict that is null', 200, '{"verdict":null}'],
  ['an outage', 500, '{"verdict":{"kind":"active"}}'],
  ['a refusal', 401, '{"verdict":{"kind":"active"}}'],
]

async function withServer<T>(answer: RequestListener, act: (port: number) => Promise<T>): Promise<T> {
  const server = createServer(answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on TCP has an AddressInfo.
  const { port } = server.address() as AddressInfo
  return act(port).finally(() => {
    server.closeAllConnections()
    server.close()
  })
}

for (const [name, status, body, type = 'application/json'] of NO_ANSWERS) {
  test(`[A13] ${name} (${status}) is no answer to a verifier's question`, async () => {
    const answer: RequestListener = (request, response) => {
      request.resume()
      response.writeHead(status, { 'content-type': type, location: 'http://127.0.0.1:1/' })
      response.end(status === 204 ? undefined : body)
    }
    await withServer(answer, async (port) => {
      const transport = httpTransport(new URL(`http://127.0.0.1:${port}`), 'key')
      await assert.rejects(transport.ask('some-token', 5_000), SourceFailed)
      transport.close()
    })
  })
}

test('[A13] an answer that is reset or ends before its length does not count', async () => {
  const breaking: readonly RequestListener[] = [
    (_, response) => response.socket?.resetAndDestroy(),
    (_, response) => {
      response.writeHead(200, { 'content-length': '200' })
      response.write('{"verdict":{"kind":"active"}}')
      response.socket?.end()
    },
  ]
  for (const answer of breaking) {
    await withServer(answer, async (port) => {
      const transport = httpTransport(new URL(`http://127.0.0.1:${port}`), 'key')
      await assert.rejects(transport.ask('some-token', 5_000), SourceFailed)
      transport.close()
    })
  }
})

/** Valid and complete facts of a token of the memory source. */
const FACTS: Readonly<Record<string, unknown>> = {
  digest: 'd'.repeat(43),
  handle: 'tok_AAAAAAAAAAAAAAAAAAAAAA',
  kind: 'access',
  source: 'oauth',
  subject: 's',
  client: 'c',
  tenant: 't',
  grant: 'grt_AAAAAAAAAAAAAAAAAAAAAA',
  session: 'x',
  keyId: 'k',
  scopes: [],
  audience: ['api'],
  ancestors: [],
  position: [1, 1],
  issuedAt: '2026-03-01T12:00:00.000Z',
  notBefore: '2026-03-01T12:00:00.000Z',
  expiresAt: '2027-03-01T12:00:00.000Z',
}

async function verdictOn(facts: unknown): Promise<string> {
  const { time, source, verifier } = openVerifierWorld()
  await time.run(100)
  source.tokens.set('token', { verdict: { kind: 'active' }, facts })
  const answered = verifier.verify('token')
  await time.run(100)
  const { kind } = await answered
  await verifier.close()
  return kind
}

test('[A13] facts with a missing or odd member are refused, and so the token does not pass', async () => {
  assert.equal(await verdictOn(FACTS), 'active')
  for (const facts of [undefined, null, [], 'facts', 1, true, {}])
    assert.equal(await verdictOn(facts), 'unknown')
  const needed = ['kind', 'source', 'scopes', 'ancestors', 'position', 'expiresAt']
  for (const name of needed) {
    const { [name]: _, ...rest } = FACTS
    assert.equal(await verdictOn(rest), 'unknown', `without ${name}`)
  }
  for (const name of Object.keys(FACTS)) {
    // These members restrict a token, so an odd one must not be ignored.
    for (const odd of [
      null,
      true,
      Number.POSITIVE_INFINITY,
      {},
      [null],
      Number.NaN,
      name === 'scopes' ? 'read' : [1],
    ])
      assert.equal(await verdictOn({ ...FACTS, [name]: odd }), 'unknown', `${name}: ${JSON.stringify(odd)}`)
  }
})

test('[H08] a wait longer than a timer allows is not over at once', async () => {
  const over: number[] = []
  const waits = [2 ** 31 - 1, 2 ** 31, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY]
  const cancels = waits.map((ms) => TIMERS.after(ms, () => over.push(ms)))
  // An overflowing timer is due after a millisecond.
  await new Promise((resolve) => setTimeout(resolve, 20))
  for (const cancel of cancels) cancel()
  assert.deepEqual(over, [])
})
