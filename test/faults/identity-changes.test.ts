import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANN, BOB, ROOT } from '../kit/seed.ts'
import { makeHome, startProcess } from '../kit/server.ts'

const JSON_BODY = { 'content-type': 'application/json' }

function at(url: string) {
  const login = async ({ username, password }: typeof ANN | typeof ROOT): Promise<string> => {
    const body = JSON.stringify({ auth: { passwordCredentials: { username, password } } })
    const answer = await fetch(`${url}/v2.0/tokens`, { method: 'POST', headers: JSON_BODY, body })
    assert.equal(answer.status, 200)
    return ((await answer.json()) as { access: { token: { id: string } } }).access.token.id
  }
  const status = async (token: string, method: string, path: string, body?: object): Promise<number> => {
    const headers = { ...JSON_BODY, 'x-auth-token': token }
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) }
    return (await fetch(`${url}${path}`, init)).status
  }
  return { login, status }
}

test('tokens that a directory change ended stay ended after kill -9, and the change itself stays', async () => {
  const home = makeHome()
  try {
    let server = await startProcess({ home })
    const before = at(server.url)
    const root = await before.login(ROOT)
    const [ann, bob, bobLater] = [await before.login(ANN), await before.login(BOB), 'Bob-password-2']
    const disabled = { user: { enabled: false } }
    assert.equal(await before.status(root, 'PUT', `/v2.0/users/${ANN.id}/OS-KSADM/enabled`, disabled), 200)
    const set = { user: { 'OS-KSADM:password': bobLater } }
    assert.equal(await before.status(root, 'POST', `/v2.0/users/${BOB.id}`, set), 200)
    await server.kill()

    server = await startProcess({ home })
    const after = at(server.url)
    for (const dead of [ann, bob]) {
      assert.equal(await after.status(root, 'GET', `/v2.0/tokens/${dead}`), 404)
      assert.equal(await after.status(dead, 'GET', '/v2.0/tenants'), 401)
    }
    const auth = (username: string, password: string): object => {
      return { auth: { passwordCredentials: { username, password } } }
    }
    // The same seed file brings back neither the old password nor the disabled user.
    assert.equal(await after.status('', 'POST', '/v2.0/tokens', auth(BOB.username, BOB.password)), 401)
    assert.equal(await after.status('', 'POST', '/v2.0/tokens', auth(BOB.username, bobLater)), 200)
    assert.equal(await after.status('', 'POST', '/v2.0/tokens', auth(ANN.username, ANN.password)), 403)
    assert.equal(await server.stop(), 0)
  } finally {
    home.remove()
  }
})
