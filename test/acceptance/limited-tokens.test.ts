import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JSON_BODY, jsonOf } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { ANN, SEED } from '../kit/seed.ts'

// [H13] A token for one purpose, presented everywhere else.

const { calls } = await openForFile({ time: 'hand', seed: SEED })

test('[H13] a token for setting up MFA opens neither /check nor a cluster', async () => {
  const passwordCredentials = { username: ANN.username, password: ANN.password }
  const login = { auth: { passwordCredentials, 'RAX-AUTH:scope': 'SETUP-MFA' } }
  const answer = await calls.send('POST /v2.0/tokens', [JSON_BODY], JSON.stringify(login))
  assert.equal(answer.status, 200, answer.body.toString())
  const { access } = jsonOf(answer) as { access: { token: { id: string } } }
  const token = access.token.id
  assert.equal((await calls.send('GET /check', [`Authorization: Bearer ${token}`])).status, 401)
  const asked = await calls.control('POST /token-review', review(token))
  const { status } = jsonOf(asked) as { status: { authenticated?: boolean } }
  assert.notEqual(status.authenticated, true)
  const ordinary = await calls.identityToken(ANN)
  assert.equal((await calls.send('GET /check', [`Authorization: Bearer ${ordinary}`])).status, 200)
})

function review(token: string): object {
  return { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } }
}
