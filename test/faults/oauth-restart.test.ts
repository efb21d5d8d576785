import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { PUBLIC_URL } from '../kit/in-process.ts'
import { type Home, makeHome, type ServerProcess, startProcess } from '../kit/server.ts'
import { assertion, EXCHANGE, OauthWorld, ownKey } from '../kit/world-oauth.ts'

/** Everything that must survive a SIGKILL right after the answer. */

let home: Home
let server: ServerProcess
before(() => {
  home = makeHome()
})
after(async () => {
  await server.kill()
  home.remove()
})

async function start(): Promise<OauthWorld> {
  const flags = ['--public-url', PUBLIC_URL, '--log-level', 'info']
  server = await startProcess({ home, seed: { realms: [] }, flags })
  return OauthWorld.at(server.url)
}

test('[E09] [H07] keys, lost answers, spent assertions, used codes and ended grants outlive a kill -9', async () => {
  const first = await start()
  const key = ownKey()
  const grantTypes = ['client_credentials', 'refresh_token', 'authorization_code', EXCHANGE]
  const app = await first.client('app', { grantTypes, accessTokenFormat: 'jwt' })
  await first.client('keyed', { jwks: key.jwks })
  const gone = await first.client('gone')

  const signed = await first.access(app)
  const { refresh } = await first.grant('app')
  const answered = await first.refresh(app, refresh)
  const proof = await assertion(first, 'keyed', { key })
  const form = { grant_type: 'client_credentials', ...proof }
  assert.equal((await first.token(undefined, form)).status, 200)
  const code = await first.code('app')
  const redeemed = await first.redeem(app, code)
  assert.equal(redeemed.status, 200, redeemed.text)
  const kept = await first.access(gone)
  const reused = await first.grant('app')
  const successor = await first.refresh(app, reused.refresh)
  await first.refresh(app, String(successor.body['refresh_token']))
  const ended = await first.refresh(app, reused.refresh)
  assert.equal(ended.status, 400)
  assert.equal((await first.control('POST', '/clients/gone/disable')).status, 200)
  const keys = await first.keySet()
  await server.kill()

  const second = await start()
  assert.deepEqual(await second.keySet(), keys)
  assert.equal(await second.isActive(app, signed), true)
  assert.equal((await second.refresh(app, refresh)).text, answered.text)
  assert.equal((await second.token(undefined, form)).status, 401)
  const again = await second.redeem(app, code)
  assert.equal((again.body['cause'] as Readonly<Record<string, string>>)['code'], 'authorization_code_reuse')
  assert.equal(await second.isActive(app, String(redeemed.body['access_token'])), false)
  assert.deepEqual((await second.refresh(app, reused.refresh)).body['cause'], ended.body['cause'])
  const judged = await second.control('POST', '/verify', { token: kept })
  assert.equal((judged.body['verdict'] as Readonly<Record<string, string>>)['kind'], 'inactive')
  // The log informs the operator by public ids alone.
  const lines = server.output()
  assert.match(lines, /oauth: grant-ended/)
  assert.match(lines, /authorization_code_reuse/)
  for (const secret of [code, refresh, signed, app.clientSecret, proof.client_assertion ?? ''])
    assert.ok(secret !== '' && !lines.includes(secret))
})
