import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pass } from 'node:timers/promises'
import { Calls } from '../kit/calls.ts'
import { startFleet } from '../kit/fleet/fleet.ts'
import { SVC } from '../kit/seed.ts'
import { makeHome, startProcess } from '../kit/server.ts'

const KEY = 'orders-api-key-0123456789'
const BOUND_MS = 1_000
const WAIT_MS = 30_000

/** Real time has to pass here, because the test is about processes that the system has stopped. */
test('[F15] a verifier, and then a server, that is stopped (SIGSTOP) for longer than the bound is never believed', async () => {
  const home = makeHome()
  const server = await startProcess({ home })
  const calls = new Calls(Number(new URL(server.url).port))
  const fleet = await startFleet({ url: server.url, key: KEY }, { processes: 1, each: 3, boundMs: BOUND_MS })
  const sayAll = async (token: string): Promise<readonly string[]> =>
    (await fleet.say('check', [token])).said[0] ?? []
  const until = async (token: string, verdict: string): Promise<void> => {
    const deadline = AbortSignal.timeout(WAIT_MS)
    while (!(await sayAll(token)).every((one) => one === verdict)) deadline.throwIfAborted()
  }
  try {
    const [ended, kept] = [await calls.oauthToken(SVC), await calls.oauthToken(SVC)]
    for (const verdicts of (await fleet.say('verify', [ended, kept])).said)
      assert.deepEqual(verdicts, ['active', 'active', 'active'])

    fleet.signal('SIGSTOP')
    assert.equal((await calls.oauthRevoke(SVC, ended)).status, 200)
    await pass(BOUND_MS + 200)
    const first = sayAll(ended)
    fleet.signal('SIGCONT')
    for (const one of await first) assert.match(one, /^(?:stale|revoked)$/, 'the first word after the pause')
    await until(ended, 'revoked')
    await until(kept, 'active')

    server.process.kill('SIGSTOP')
    await pass(BOUND_MS + 200)
    assert.deepEqual(
      await sayAll(kept),
      ['stale', 'stale', 'stale'],
      'its connections are open, and prove nothing',
    )
    assert.deepEqual(await sayAll(ended), ['revoked', 'revoked', 'revoked'])
    server.process.kill('SIGCONT')
    await until(kept, 'active')
    assert.equal((await fleet.say('check')).violations, 0)
  } finally {
    server.process.kill('SIGCONT')
    calls.close()
    fleet.close()
    await server.stop()
    home.remove()
  }
})
