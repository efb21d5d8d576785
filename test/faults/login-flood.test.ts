import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Overloaded } from '@rescind/core'
import { hashPassword, PasswordQueue } from '../../server/passwords.ts'
import { openServer } from '../kit/in-process.ts'
import { ANN, ROOT } from '../kit/seed.ts'

const BODY = { 'content-type': 'application/json' }

function login(url: string, username: string, password: string): Promise<Response> {
  const body = JSON.stringify({ auth: { passwordCredentials: { username, password } } })
  return fetch(`${url}/v2.0/tokens`, { method: 'POST', headers: BODY, body })
}

async function tokenOf(response: Response): Promise<string> {
  assert.equal(response.status, 200)
  return ((await response.json()) as { access: { token: { id: string } } }).access.token.id
}

test('[P09] a flood of logins fills its own queue and nothing else: tokens are validated and revoked past it', async () => {
  const server = await openServer({ time: 'real', flags: ['--identity-rate', '0'] })
  const { url } = server
  try {
    const root = await tokenOf(await login(url, ROOT.username, ROOT.password))
    const victims = []
    for (let at = 0; at < 5; at += 1)
      victims.push(await tokenOf(await login(url, ANN.username, ANN.password)))
    const answered: number[] = []
    const flood = Array.from({ length: 100 }, async (_, at) => {
      const { status } = await login(url, at % 2 === 0 ? ANN.username : `nobody${at}`, 'wrong')
      answered.push(status)
    })
    // Once some were turned away the queue is full.
    while (!answered.includes(503)) await new Promise((resolve) => setImmediate(resolve))
    const headers = { 'x-auth-token': root }
    for (const victim of victims) {
      const path = `${url}/v2.0/tokens/${victim}`
      assert.equal((await fetch(path, { headers })).status, 200)
      assert.equal((await fetch(path, { method: 'DELETE', headers })).status, 204)
      assert.equal((await fetch(path, { headers })).status, 404)
    }
    // By then no more logins are through than were hashed meanwhile: the others were not waited for.
    const hashed = answered.filter((status) => status === 401).length
    assert.ok(hashed < 32, `${hashed} logins were answered before 15 calls that need no hashing`)
    await Promise.all(flood)
    const counts = (wanted: number): number => answered.filter((status) => status === wanted).length
    assert.equal(counts(401) + counts(503), 100)
    assert.ok(counts(503) > 0 && counts(401) >= 32)
  } finally {
    await server.close()
  }
})

test('as many logins wait as the bound says, and the next is an outage; addresses take turns', async () => {
  const queue = new PasswordQueue()
  const hash = await hashPassword('right')
  const order: string[] = []
  const ask = (from: string) =>
    queue.verify({ hash, password: 'right', from }).then((isRight) => {
      assert.equal(isRight, true)
      order.push(from)
    })
  const many = Array.from({ length: 31 }, () => ask('192.0.2.1'))
  const one = ask('192.0.2.2')
  await assert.rejects(queue.verify({ hash, password: 'right', from: '192.0.2.3' }), Overloaded)
  await assert.rejects(queue.hash({ password: 'x', from: '192.0.2.3' }), Overloaded)
  await Promise.all([...many, one])
  assert.ok(
    order.indexOf('192.0.2.2') <= 2,
    `the other address was served as number ${order.indexOf('192.0.2.2')}`,
  )
})
