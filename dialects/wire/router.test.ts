import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allowOf, paramsOf, type Route, Router, withHead } from './router.ts'

function at(template: string, ...methods: readonly string[]): Route<string> {
  return { template, methods: new Map(methods.map((method) => [method, `${method} ${template}`])) }
}

test('a literal wins over a parameter in any order of the table, without backtracking', () => {
  const routes = [at('/revocations/bulk'), at('/revocations/{id}'), at('/revocations/:id/audit')]
  for (const table of [routes, routes.toReversed()]) {
    const router = new Router(table)
    const template = (...path: readonly string[]) => router.match(path)?.route.template
    assert.equal(template('revocations', 'bulk'), '/revocations/bulk')
    assert.equal(template('revocations', 'rev_1'), '/revocations/{id}')
    assert.equal(template('revocations', 'rev_1', 'audit'), '/revocations/:id/audit')
    assert.equal(template('revocations', 'bulk', 'audit'), undefined)
    assert.equal(template('revocations'), undefined)
    assert.equal(template('revocations', ''), undefined)
    assert.equal(template('revocations', 'a', 'b'), undefined)
  }
})

test('the root is a path of one empty segment', () => {
  assert.equal(new Router([at('/')]).match([''])?.route.template, '/')
  assert.equal(new Router([at('/{x}')]).match(['']), undefined)
})

test('names such as `__proto__` are ordinary segments', () => {
  const router = new Router([at('/clients/{clientId}/tokens')])
  for (const id of ['__proto__', 'constructor', 'toString']) {
    const matched = router.match(['clients', id, 'tokens'])
    assert.ok(matched !== undefined)
    assert.deepEqual(paramsOf(matched), { clientId: id })
    assert.equal(router.match([id]), undefined)
  }
})

test('literals are compared with the undecoded segments, and values are decoded', () => {
  const router = new Router([at('/clients/list'), at('/clients/{id}')])
  assert.equal(router.match(['clients', 'list'], ['clients', 'list'])?.route.template, '/clients/list')
  assert.deepEqual(router.match(['clients', 'list'], ['clients', '%6Cist'])?.values, ['list'])
  assert.equal(router.match(['clients', 'list'], ['%63lients', 'list']), undefined)
})

test('a table with two routes of one shape, or two names of one parameter, is refused', () => {
  assert.throws(() => new Router([at('/a/{x}'), at('/a/{y}/b')]), /stands there/)
  assert.throws(() => new Router([at('/a'), at('/a')]), /this shape/)
})

test('HEAD is served by the handler of GET, and Allow lists the methods in table order', () => {
  const route = { template: '/a', methods: withHead(at('/a', 'GET', 'DELETE').methods) }
  assert.equal(allowOf(route), 'GET, DELETE, HEAD')
  assert.equal(route.methods.get('HEAD'), 'GET /a')
  assert.equal(allowOf({ template: '/a', methods: withHead(at('/a', 'POST').methods) }), 'POST')
})
