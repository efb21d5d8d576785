import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openForFile } from '../kit/in-process.ts'
import { rawExchange, requestBytes } from '../kit/raw-http.ts'
import { ANN } from '../kit/seed.ts'

const { server } = await openForFile({ time: 'hand' })

const { username, password } = ANN
const V2_LOGIN = { auth: { passwordCredentials: { username, password } } }
const V3_USER = { id: ANN.id, password }
const V3_LOGIN = { auth: { identity: { methods: ['password'], password: { user: V3_USER } } } }

/** Calls without a caller, with an X-Auth-Token whose bytes are not text. */
test('a call of Identity that needs no token answers as it does without one, for any X-Auth-Token', async () => {
  const calls: readonly (readonly [line: string, status: number, body?: object])[] = [
    ['POST /v2.0/tokens', 200, V2_LOGIN],
    ['POST /v3/auth/tokens', 201, V3_LOGIN],
    ['GET /', 300],
    ['GET /v2.0', 200],
    ['GET /v3', 200],
    ['GET /v2.0/none', 404],
    ['GET /v3/none', 404],
    ['PUT /v2.0/tokens', 405],
    ['OPTIONS /v3/users', 200],
    ['GET /v2.0/users', 400],
    ['GET /v3/users', 400],
  ]
  for (const [line, status, body] of calls) {
    const headers = ['Connection: close', 'Content-Type: application/json', 'X-Auth-Token: \xff\xfe']
    const text = body === undefined ? {} : { body: JSON.stringify(body) }
    const bytes = requestBytes({ line: `${line} HTTP/1.1`, headers, ...text })
    assert.equal((await rawExchange(server.port, bytes)).status, status, line)
  }
})
