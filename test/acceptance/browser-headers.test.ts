import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basic, CLIENT_KEY, CONTROL, FORM_BODY, JSON_BODY, OAUTH } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { headerOf, latin1, type RawAnswer, rawExchange } from '../kit/raw-http.ts'
import { SVC } from '../kit/seed.ts'

const { server, calls } = await openForFile({ time: 'hand' })

function assertInert(answer: RawAnswer, what: string): void {
  assert.equal(headerOf(answer, 'x-content-type-options'), 'nosniff', what)
  assert.equal(headerOf(answer, 'referrer-policy'), 'no-referrer', what)
  const policy = "default-src 'none'; frame-ancestors 'none'"
  assert.equal(headerOf(answer, 'content-security-policy'), policy, what)
}

/** Every kind of answer, including errors and answers to unparsable requests. */
test('every answer tells browsers to run, load and frame nothing, and to send no referrer [J04] [Q03]', async () => {
  const lines: readonly (readonly [line: string, ...headers: string[]])[] = [
    ['GET /'],
    ['GET /none'],
    ['GET /healthz'],
    ['GET /readyz'],
    ['GET /metrics'],
    ['GET /check'],
    ['GET /realms/none/check'],
    ['GET /me', CLIENT_KEY],
    ['GET /v2.0'],
    ['GET /v2.0', 'Accept: application/xml'],
    ['DELETE /v2.0/tokens/x', 'Accept: application/xml'],
    ['GET /v3'],
    ['GET /v3/users'],
    ['GET /api/id/v1/jwks'],
    ['OPTIONS /api/id/v1/auth/token', 'Origin: https://a.example', 'Access-Control-Request-Method: POST'],
    ['GET /control/v1/openapi.json'],
    ['GET /control/v1/keys', CONTROL],
    ['HEAD /control/v1/keys', CONTROL],
    ['GET /control/v1/none', CONTROL],
    ['GET /%zz'],
    ['GET /v2.0/%zz'],
    ['GET /me', 'Content-Encoding: gzip'],
  ]
  for (const [line, ...headers] of lines) assertInert(await calls.send(line, headers), line)
  const hot = await calls.send(`POST ${OAUTH}/introspect`, [basic(SVC), FORM_BODY], 'token=x')
  assertInert(hot, 'through the lane')
  assertInert(await calls.send('POST /control/v1/grants', [CONTROL, JSON_BODY], '{'), 'a broken body')
  assertInert(await calls.send('POST /sign', [JSON_BODY], 'x'.repeat(70_000)), 'a body that is too large')
  for (const bytes of ['FOO / HTTP/1.1\r\n\r\n', `GET / HTTP/1.1\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`])
    assertInert(await rawExchange(server.port, latin1(bytes)), bytes.slice(0, 30))
})
