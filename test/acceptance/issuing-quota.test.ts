import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  accessTokenIn,
  Calls,
  chatTokenIn,
  identityTokenIn,
  isActive,
  refreshTokenIn,
} from '../faults/kit/calls.ts'
import type { HttpAnswer } from '../faults/kit/plain-http.ts'
import { openServer } from '../kit/in-process.ts'
import { ANN, GATEWAY } from '../kit/seed.ts'

// Every way of issuing in every dialect, including refreshing, codes, binding, v3 and grants of the control API.
test('[W66] a caller over its quota gets no more tokens, in every dialect’s words, and revokes as before', async (t) => {
  const over = new Set<string>()
  const counts = new Map<string, number>()
  const quota = {
    waitSeconds: (_realm: number, caller: string): number => (over.has(caller) ? 7 : 0),
    issued: (_realm: number, caller: string): void => void counts.set(caller, (counts.get(caller) ?? 0) + 1),
  }
  const server = await openServer({ time: 'hand', quota, flags: ['--identity-rate', '0'] })
  const calls = new Calls(server.url)
  t.after(async () => {
    calls.close()
    await server.close()
  })
  const access = accessTokenIn(await calls.oauthIssue())
  const pair = await calls.oauthGrant('ann')
  const [login, spare] = [await calls.identityLogin(), await calls.identityLogin()]
  const identity = identityTokenIn(login)
  const chat = chatTokenIn(await calls.chatIssue('c1'))
  const callers = [...counts.keys()].sort()
  assert.deepEqual(callers, ['chat:acme', 'control:first', 'identity:77', 'oauth:svc'])
  for (const caller of callers) over.add(caller)
  const before = new Map(counts)
  const v3 = {
    auth: {
      identity: {
        methods: ['password'],
        password: { user: { id: ANN.id, password: ANN.password } },
      },
    },
  }
  const asks: readonly [string, number, () => Promise<HttpAnswer>][] = [
    ['client credentials', 429, () => calls.oauthIssue()],
    ['refresh', 429, () => calls.oauthRefresh(refreshTokenIn(pair))],
    ['control grant', 429, () => calls.oauthGrant('ann')],
    ['v2.0 login', 413, () => calls.identityLogin()],
    ['v3 login', 413, () => calls.json({ method: 'POST', path: '/v3/auth/tokens', headers: {}, value: v3 })],
    ['chat token', 429, () => calls.chatIssue('c2')],
    ['chat binding', 429, () => calls.chatBind('c1', 'assigned-text-0123456789')],
  ]
  for (const [what, status, ask] of asks) {
    const answer = await ask()
    assert.equal(answer.status, status, what)
    assert.equal(answer.headers['retry-after'], '7', what)
  }
  assert.deepEqual(counts, before, 'what was refused is not counted')
  assert.equal((await calls.introspect(access, GATEWAY)).status, 200)
  assert.equal((await calls.oauthRevoke(access)).status, 200)
  assert.equal(isActive(await calls.introspectAsGateway(access)), false)
  assert.equal((await calls.identityRevoke(identity, identityTokenIn(spare))).status, 204)
  assert.equal((await calls.chatRevoke('c1', chat)).status, 200)
  assert.equal((await calls.chatRevokeAll('c1')).status, 200)
  over.delete('oauth:svc')
  assert.equal((await calls.oauthRefresh(refreshTokenIn(pair))).status, 200, 'it was not used up meanwhile')
  assert.equal((await calls.identityLogin()).status, 413, 'others wait still')
})
