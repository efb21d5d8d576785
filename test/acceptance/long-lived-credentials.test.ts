import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonOf, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { ANN, SEED } from '../kit/seed.ts'

// [W81] [E04] An intruder made a secret that would still log in after the tokens were ended and the password was
// changed.

const { calls } = await openForFile({
  time: 'hand',
  seed: SEED,
  flags: ['--control-rate', '0', '--identity-rate', '0'],
})
const MINE = `/v3/users/${ANN.id}/application_credentials`

type Made = { readonly id: string; readonly secret: string }
let count = 0

/** By a separate v3 login, scoped to the user's tenant. */
async function madeCredential(): Promise<Made> {
  const token = await calls.identityToken(ANN)
  const body = { application_credential: { name: `ci-${(count += 1)}` } }
  const answer = await calls.json(`POST ${MINE}`, body, [`X-Auth-Token: ${token}`])
  assert.equal(answer.status, 201, answer.body.toString())
  return (jsonOf(answer) as { application_credential: Made }).application_credential
}

async function logsIn({ id, secret }: Made): Promise<boolean> {
  const identity = { methods: ['application_credential'], application_credential: { id, secret } }
  const { status } = await calls.json('POST /v3/auth/tokens', { auth: { identity } }, [])
  assert.ok(status === 201 || status === 401, String(status))
  return status === 201
}

async function keyLogsIn(): Promise<boolean> {
  const credentials = { username: ANN.username, apiKey: ANN.apiKey }
  const auth = { 'RAX-KSKEY:apiKeyCredentials': credentials }
  return (await calls.json('POST /v2.0/tokens', { auth }, [])).status === 200
}

const SUBJECT = { source: 'identity', subject: ANN.id }
const listed = async (): Promise<readonly string[]> => {
  const answer = await calls.control(`GET /identity-users/${ANN.id}/credentials`)
  assert.equal(answer.status, 200, answer.body.toString())
  return (jsonOf(answer) as { credentials: readonly { id: string }[] }).credentials.map(({ id }) => id)
}

async function revoke(target: object, more: object = {}): Promise<void> {
  const answer = await calls.control('POST /revocations', { target, reason: 'leak', ...more })
  assert.equal(answer.status, 201, answer.body.toString())
}

test('[W81] the control API lists a person’s credentials, and a cutoff with keepCredentials leaves them', async () => {
  const credential = await madeCredential()
  assert.deepEqual(await listed(), ['password', 'api-key', `app-credential:${credential.id}`])
  await revoke(SUBJECT, { keepCredentials: true })
  assert.deepEqual([await logsIn(credential), await keyLogsIn()], [true, true])
  for (const target of [{ source: 'identity' }, { source: 'identity', tenant: 'elsewhere' }]) {
    await revoke(target)
    assert.equal(await logsIn(credential), true, 'a whole source is not about one person')
  }
})

test('[W81] one application credential is ended by a cutoff over its client, the others stay', async () => {
  const [one, other] = [await madeCredential(), await madeCredential()]
  await revoke({ source: 'identity', client: `app-credential:${one.id}` })
  assert.deepEqual([await logsIn(one), await logsIn(other)], [false, true])
})

test('[W81] a hold that becomes a revocation ends credentials, a released one does not', async () => {
  const credential = await madeCredential()
  const hold = async (end: 'release' | 'revoke'): Promise<void> => {
    const body = { target: SUBJECT, reason: 'r', seconds: 60, atDeadline: 'release' }
    const id = textAt(await calls.control('POST /holds', body), 'id')
    const answer = await calls.control(`POST /holds/${id}/${end}`, {})
    assert.ok(answer.status < 300, answer.body.toString())
  }
  await hold('release')
  assert.equal(await logsIn(credential), true)
  await hold('revoke')
  assert.deepEqual([await logsIn(credential), await keyLogsIn()], [false, false])
})

test('[W81] a cutoff over a person ends its credentials except the password, and each can be ended by itself', async () => {
  const credential = await madeCredential()
  await revoke(SUBJECT)
  assert.equal(await logsIn(credential), false)
  assert.deepEqual(await listed(), ['password'])
  const later = await madeCredential()
  assert.equal(await logsIn(later), true, 'what is made afterwards is good')
  const path = `/control/v1/identity-users/${ANN.id}/credentials`
  const viewer = textAt(await calls.control('POST /keys', { name: 'v', role: 'viewer' }), 'key')
  const as = [`Authorization: Bearer ${viewer}`]
  assert.equal((await calls.json(`DELETE ${path}/password?reason=r`, undefined, as)).status, 403)
  assert.equal((await calls.json(`DELETE ${path}/app-credential:${later.id}?reason=leak`)).status, 200)
  assert.equal(await logsIn(later), false)
  assert.equal((await calls.json(`DELETE ${path}/app-credential:${later.id}?reason=leak`)).status, 404)
  assert.equal((await calls.json(`DELETE ${path}/password?reason=leak`)).status, 200)
  assert.deepEqual(await listed(), [])
  assert.equal((await calls.control('GET /identity-users/nobody/credentials')).status, 404)
})
