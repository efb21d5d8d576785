import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { checkLogFile } from '@rescind/server'
import { FeedReader } from '../kit/feed-client.ts'
import { CONTROL_KEY, makeHome, type ServerProcess, startProcess } from '../kit/server.ts'

const VERIFIER = { authorization: 'Bearer orders-api-key-0123456789' }
const OPERATOR = { authorization: `Bearer ${CONTROL_KEY}` }

type Json = Readonly<Record<string, unknown>>

const home = makeHome()
let server: ServerProcess
after(async () => {
  await server.stop()
  home.remove()
})

async function call(
  line: string,
  body?: Json,
  headers: Record<string, string> = OPERATOR,
): Promise<Response> {
  const [method = '', path = ''] = line.split(' ')
  const answer = await fetch(`${server.url}/control/v1${path}`, {
    method,
    headers: { ...headers, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  assert.ok(answer.ok, `${line}: ${answer.status}`)
  return answer
}

async function json(line: string, body?: Json, headers?: Record<string, string>): Promise<Json> {
  return (await (await call(line, body, headers)).json()) as Json
}

test('after a kill -9 a receipt knows that an instance has applied it, not when, and evidence has the same key', async () => {
  server = await startProcess({ home })
  const reader = new FeedReader(`${server.url}/control/v1/feed?bound=60000`, VERIFIER)
  const hello = await reader.next()
  const { instance } = (hello ?? assert.fail('no hello')).data as Json
  const target = { source: 'oauth', subject: 'ann' }
  const { id } = await json('POST /revocations', { target, reason: 'leak' })
  const position = (await reader.next())?.id
  const applied = { instance, position, bound: 60_000 }
  await json('POST /feed/acks', applied, VERIFIER)
  const before = await json(`GET /revocations/${String(id)}`)
  const [one] = before['instances'] as readonly Json[]
  assert.deepEqual([before['enforcedAt'], one?.['state']], [one?.['appliedAt'], 'applied'])
  assert.equal(typeof before['enforcedAt'], 'string')
  const key = await json('GET /evidence/key')

  await server.kill()
  reader.close()
  server = await startProcess({ home })
  const unknown = await json(`GET /revocations/${String(id)}`)
  assert.deepEqual([unknown['enforced'], unknown['instanceCount']], [false, 1], 'it is waited for')
  await json('POST /feed/acks', applied, VERIFIER)
  const later = await json(`GET /revocations/${String(id)}`)
  const [again] = later['instances'] as readonly Json[]
  assert.deepEqual([later['enforced'], later['enforcedBy'], again?.['state']], [true, 'instances', 'applied'])
  assert.deepEqual(
    [later['enforcedAt'], later['effectiveBy'], again?.['appliedAt']],
    [undefined, undefined, undefined],
  )

  assert.deepEqual(await json('GET /evidence/key'), key)
  const file = await call('POST /evidence', { reason: 'leak' })
  assert.ok(file.body !== null)
  const checked = await checkLogFile(file.body, { positions: [], keyId: String(key['kid']) })
  assert.ok(checked.kind === 'evidence' && checked.isKeyKnown && checked.receipts === 1)
})
