import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PASSWORD_COST } from '@rescind/server'
import { openServer } from '../kit/in-process.ts'
import { ANN, BOB, EVE, ROOT } from '../kit/seed.ts'

const BODY = { 'content-type': 'application/json' }

let isFull = false

async function login(url: string, username: string, password: string, from = '127.0.0.1'): Promise<Response> {
  const body = JSON.stringify({ auth: { passwordCredentials: { username, password } } })
  const headers = { ...BODY, 'x-forwarded-for': from }
  const answer = await fetch(`${url}/v2.0/tokens`, { method: 'POST', headers, body })
  if (answer.status === 503) isFull = true
  return answer
}

async function tokenOf(response: Response): Promise<string> {
  assert.equal(response.status, 200)
  return ((await response.json()) as { access: { token: { id: string } } }).access.token.id
}

test('[P09] a flood of logins fills its own queue and nothing else: tokens are validated and revoked past it', async () => {
  const server = await openServer({
    time: 'real',
    flags: ['--identity-rate', '0'],
    passwordCost: PASSWORD_COST,
  })
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
    // Refusals show that the queue is full.
    while (!answered.includes(503)) await new Promise((resolve) => setImmediate(resolve))
    const headers = { 'x-auth-token': root }
    for (const victim of victims) {
      const path = `${url}/v2.0/tokens/${victim}`
      assert.equal((await fetch(path, { headers })).status, 200)
      assert.equal((await fetch(path, { method: 'DELETE', headers })).status, 204)
      assert.equal((await fetch(path, { headers })).status, 404)
    }
    // No more logins are through than were hashed meanwhile, so the others were not waited for.
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

// The kind: 64 bad logins at a time from one address, or about one account, kept all others out of the queue.
test('[W61] a flood of logins from one address keeps out neither another address nor a password change', async () => {
  const server = await openServer({
    time: 'real',
    passwordCost: PASSWORD_COST,
    flags: ['--identity-rate', '0', '--behind-proxy', '127.0.0.1/32'],
  })
  const { url } = server
  let isOver = false
  try {
    const root = await tokenOf(await login(url, ROOT.username, ROOT.password, '192.0.2.1'))
    const flood = Array.from({ length: 64 }, async (_, at) => {
      while (!isOver)
        await login(url, at % 2 === 0 ? ANN.username : `nobody${at}`, 'wrong', `2001:db8::${at}`)
    })
    isFull = false
    while (!isFull) await new Promise((resolve) => setImmediate(resolve))
    const logins: number[] = []
    const changes: number[] = []
    for (let at = 0; at < 4; at += 1) {
      logins.push((await login(url, EVE.username, EVE.password, '192.0.2.2')).status)
      const body = JSON.stringify({ user: { password: `new-password-${at}-0123456789` } })
      const headers = { ...BODY, 'x-auth-token': root, 'x-forwarded-for': `2001:db8::${at}` }
      const path = `${url}/v2.0/users/${BOB.id}/OS-KSADM/password`
      changes.push((await fetch(path, { method: 'PUT', headers, body })).status)
    }
    isOver = true
    await Promise.all(flood)
    assert.deepEqual([...new Set(logins)], [200])
    assert.deepEqual([...new Set(changes)], [200], 'from the very address of the flood')
  } finally {
    isOver = true
    await server.close()
  }
})
