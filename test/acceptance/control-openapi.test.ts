import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Calls, CONTROL, jsonOf } from '../kit/calls.ts'
import { openServer, type TestServer } from '../kit/in-process.ts'

type Operation = {
  readonly operationId: string
  readonly responses: Readonly<Record<string, unknown>>
}
type Document = { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> }

let server: TestServer
let calls: Calls
let document: Document

before(async () => {
  server = await openServer({ time: 'hand' })
  calls = new Calls(server.port)
  document = jsonOf(await calls.send('GET /control/v1/openapi.json', [CONTROL])) as Document
})

after(async () => {
  calls.close()
  await server.close()
})

test('the API describes itself in valid OpenAPI 3.1', async () => {
  const validator = new Validator()
  const result = await validator.validate(structuredClone(document))
  assert.deepEqual(result.errors ?? [], [])
  assert.equal(result.valid, true)
  assert.equal(validator.version, '3.1')
})

test('every operation has a name of its own', () => {
  const names = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  )
  assert.equal(new Set(names).size, names.length)
})

test('every operation is there, and says nothing to whoever has no key', async () => {
  for (const [template, methods] of Object.entries(document.paths)) {
    const path = template.replaceAll(/\{\w+\}/g, 'x')
    for (const method of Object.keys(methods)) {
      const line = `${method.toUpperCase()} ${path}`
      assert.equal((await calls.send(line)).status, 401, line)
      const other = await calls.send(`TRACE ${path}`, [CONTROL])
      assert.equal(other.status, 405, line)
      const allow = other.headers.find(([name]) => name === 'allow')?.[1] ?? ''
      assert.ok(allow.split(', ').includes(method.toUpperCase()), `${line}: ${allow}`)
    }
  }
})
