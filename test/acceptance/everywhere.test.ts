import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Calls } from '../kit/calls.ts'
import { startFleet, startSocketServer } from '../kit/fleet/fleet.ts'
import { ANN, SVC } from '../kit/seed.ts'
import { makeHome, type ServerProcess, startProcess } from '../kit/server.ts'

const KEY = 'orders-api-key-0123456789'
const PROCESSES = 4
const EACH = 5
const INSTANCES = PROCESSES * EACH + 1
/** More than any step takes, so that a hanging one is noticed. */
const WAIT_MS = 30_000

type Receipt = {
  readonly id: string
  readonly enforced: boolean
  readonly laggards: readonly unknown[]
  readonly instances: readonly { readonly state: string; readonly afterMs?: number }[]
}

/** Polls until the condition holds, or fails by its timeout. */
async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const deadline = AbortSignal.timeout(WAIT_MS)
  while (!(await condition())) deadline.throwIfAborted()
}

async function revokeAndWait(calls: Calls, token: string): Promise<Receipt> {
  const body = { target: { token }, reason: 'leaked', wait: 'enforced', timeoutMs: 20_000 }
  const made = await calls.control('POST /revocations', body)
  assert.equal(made.status, 201, made.body.toString())
  const receipt = JSON.parse(made.body.toString()) as Receipt
  const read = await calls.control(`GET /revocations/${receipt.id}`)
  return { ...receipt, ...(JSON.parse(read.body.toString()) as Receipt), enforced: receipt.enforced }
}

const all = (verdict: string): string[] => new Array<string>(PROCESSES * EACH).fill(verdict)

test('[A10] [F05] a token revoked once is refused everywhere: 20 verifiers, open sockets, a server killed in between', async () => {
  const home = makeHome()
  let server: ServerProcess = await startProcess({ home })
  const { url } = server
  const port = Number(new URL(url).port)
  const fleet = await startFleet({ url, key: KEY }, { processes: PROCESSES, each: EACH })
  const sockets = await startSocketServer({ url, key: KEY })
  let calls = new Calls(port)
  try {
    const chat: string[] = []
    for (const id of ['u0', 'u1', 'u2', 'u3']) chat.push(await calls.chatToken(id))
    const [c0 = '', c1 = '', c2 = '', c3 = ''] = chat
    const identity = await calls.identityToken(ANN)
    const oauth: string[] = []
    for (let nth = 0; nth < 60; nth += 1) oauth.push(await calls.oauthToken(SVC))
    const [o0 = '', ...burst] = oauth
    const keep = burst.pop() ?? ''
    const { said } = await fleet.say('verify', [...chat, identity, ...oauth])
    for (const verdicts of said) assert.deepEqual(verdicts, all('active'))

    // Revokes by every dialect's own call; one receipt says that all instances have applied it.
    const open = await Promise.all(chat.map((token) => sockets.open(token)))
    assert.deepEqual(
      open.map((socket) => socket.said()),
      new Array(4).fill('open'),
    )
    await calls.chatRevoke('u0', c0)
    await calls.chatRevoke('u1')
    await calls.identity('DELETE', identity, '')
    const receipt = await revokeAndWait(calls, o0)
    assert.deepEqual([receipt.enforced, receipt.laggards], [true, []])
    assert.equal(receipt.instances.length, INSTANCES)
    for (const { state, afterMs = WAIT_MS } of receipt.instances)
      assert.ok(state === 'applied' && afterMs < WAIT_MS)
    for (const verdicts of (await fleet.say('check', [c0, c1, identity, o0])).said)
      assert.deepEqual(verdicts, all('revoked'))
    await Promise.all([open[0]?.closed, open[1]?.closed])
    assert.deepEqual(
      [open[0]?.said(), open[1]?.said(), open[2]?.said()],
      ['closed revoked', 'closed revoked', 'open'],
    )
    assert.equal((await sockets.open(c0)).said(), 'refused revoked')

    // kill -9 during a burst: acknowledged revocations are refused for ever, whatever else arrived.
    const acknowledged: string[] = []
    const revoking = burst.map(async (token) => {
      const worker = new Calls(port)
      const answer = await worker.oauthRevoke(SVC, token).catch(() => undefined)
      if (answer?.status === 200) acknowledged.push(token)
      worker.close()
    })
    while (acknowledged.length < 5) await new Promise((resolve) => setImmediate(resolve))
    await server.kill()
    await Promise.all(revoking)
    calls.close()
    server = await startProcess({ home, flags: ['--listen', `127.0.0.1:${port}`] })
    calls = new Calls(port)
    await eventually(async () => {
      const { said: now } = await fleet.say('check', [...acknowledged, keep])
      return now.every((verdicts, at) =>
        verdicts.every((one) => one === (at < acknowledged.length ? 'revoked' : 'active')),
      )
    })
    await eventually(async () => (await revokeAndWait(calls, c2)).enforced)
    await open[2]?.closed
    assert.equal(open[3]?.said(), 'open', 'whose token is good stays connected over all of it')
    for (const verdicts of (await fleet.say('check', [c0, c1, c2, identity, o0])).said)
      assert.deepEqual(verdicts, all('revoked'))
    assert.deepEqual((await fleet.say('verify', [c3])).said[0], all('active'))
    const { violations, looks } = await fleet.say('check')
    assert.equal(violations, 0, `no verifier ever took a revocation back, in ${looks} looks`)
    assert.ok(looks > 10_000)
    for (const socket of open) socket.end()
  } finally {
    calls.close()
    fleet.close()
    sockets.close()
    await server.stop()
    home.remove()
  }
})
