import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allowOf, jsonAnswer } from '@rescind/dialects'
import { type AnswerShape, type Endpoint, endpoint, type Method } from './endpoint.ts'
import { routesOf } from './routes.ts'

function at(method: Method, path: string, type?: AnswerShape['type']): Endpoint {
  return endpoint({
    method,
    path,
    operation: `${method} ${path}`,
    summary: '',
    role: 'viewer',
    answers: { 200: { what: '', ...(type === undefined ? {} : { type }) } },
    handle: async () => jsonAnswer(200, {}),
  })
}

test('endpoints of one path are one route, and GET brings HEAD', () => {
  const [keys, one, ...rest] = routesOf([at('POST', '/keys'), at('DELETE', '/keys/{id}'), at('GET', '/keys')])
  assert.deepEqual(rest, [])
  assert.equal(keys?.template, '/keys')
  assert.equal(keys && allowOf(keys), 'POST, GET, HEAD')
  assert.equal(keys?.methods.get('HEAD')?.operation, 'GET /keys')
  assert.equal(one && allowOf(one), 'DELETE')
})

test('an endless answer has no HEAD', () => {
  const [feed] = routesOf([at('GET', '/feed', 'text/event-stream')])
  assert.equal(feed && allowOf(feed), 'GET')
})

test('a table with two endpoints for one call is refused', () => {
  assert.throws(() => routesOf([at('GET', '/a'), at('GET', '/a')]), /GET \/a is there twice/)
})
