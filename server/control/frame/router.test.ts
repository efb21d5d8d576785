import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonAnswer } from '@rescind/dialects'
import { type Endpoint, endpoint, type Method } from './endpoint.ts'
import { Router } from './router.ts'

function at(method: Method, path: string): Endpoint {
  return endpoint({
    method,
    path,
    operation: `${method} ${path}`,
    summary: '',
    role: 'viewer',
    answers: {},
    handle: async () => jsonAnswer(200, {}),
  })
}

test('a literal segment wins over a parameter, whatever the order of the table', () => {
  const bulk = at('POST', '/revocations/bulk')
  const one = at('GET', '/revocations/{id}')
  for (const router of [new Router([bulk, one]), new Router([one, bulk])]) {
    assert.equal(router.find(['revocations', 'bulk'])?.template, '/revocations/bulk')
    assert.deepEqual(router.find(['revocations', 'rev_1_2'])?.params, { id: 'rev_1_2' })
    assert.equal(router.find(['revocations'])?.template, undefined)
    assert.equal(router.find(['revocations', '']), undefined)
    assert.equal(router.find(['revocations', 'a', 'b']), undefined)
  }
})

test('names of the language are only ever names', () => {
  const router = new Router([at('GET', '/clients/{clientId}/tokens')])
  for (const id of ['__proto__', 'constructor', 'toString']) {
    assert.equal(router.find(['clients', id, 'tokens'])?.params['clientId'], id)
    assert.equal(router.find([id]), undefined)
  }
})

test('a table that says two things about one place is refused', () => {
  assert.throws(() => new Router([at('GET', '/a/{x}'), at('POST', '/a/{y}')]), /stands there/)
  assert.throws(() => new Router([at('GET', '/a'), at('GET', '/a')]), /twice/)
})
