import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OauthStage } from '../../test/kit/oauth-stage.ts'
import { openWorld } from '../../test/kit/realm.ts'
import { wireRequest } from '../../test/kit/request.ts'

/* Headers are safe to allow, because no endpoint uses cookies. */
test('[R2] a preflight allows the headers that it asks for, and a malformed list allows none', async () => {
  const { dialect, world } = new OauthStage(await openWorld())
  const allowed = async (path: string, asked?: string): Promise<string> => {
    const headers = asked === undefined ? {} : { 'access-control-request-headers': asked }
    const answer = await dialect.handle(world.realm, wireRequest({ method: 'OPTIONS', path, headers }))
    assert.equal(answer.status, 204)
    assert.equal(answer.headers['access-control-allow-origin'], '*')
    assert.equal(answer.headers['access-control-allow-credentials'], undefined)
    assert.equal(answer.headers['vary'], 'Access-Control-Request-Headers')
    return String(answer.headers['access-control-allow-headers'])
  }
  const always = 'authorization, content-type'
  for (const path of [
    '/api/id/v1/auth/token',
    '/api/id/v1/auth/token/revoke',
    '/api/id/v1/jwks',
    '/.well-known/oauth-authorization-server/api/id/v1',
    '/api/id/v1/.well-known/oauth-authorization-server',
  ]) {
    assert.equal(await allowed(path), always)
    for (const asked of [
      'mcp-protocol-version',
      'traceparent',
      'x-requested-with',
      'a,b',
      'a, b',
      'x'.repeat(1_024),
    ])
      assert.equal(await allowed(path, asked), `${always}, ${asked}`)
    for (const asked of ['', ',', 'a,', 'a b', 'a: b', 'a\r\nset-cookie: b', 'ä', '"a"', 'x'.repeat(1_025)])
      assert.equal(await allowed(path, asked), always, JSON.stringify(asked))
  }
})

test('[Q09] [R2] introspection is not for browsers and answers no preflight', async () => {
  const { dialect, world } = new OauthStage(await openWorld())
  const asked = wireRequest({
    method: 'OPTIONS',
    path: '/api/id/v1/auth/token/introspect',
    headers: { 'access-control-request-headers': 'authorization' },
  })
  const answer = await dialect.handle(world.realm, asked)
  assert.equal(answer.status, 405)
  assert.equal(answer.headers['access-control-allow-origin'], undefined)
})
