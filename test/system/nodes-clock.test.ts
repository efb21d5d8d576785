import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessTokenIn, isActive } from '../faults/kit/calls.ts'
import type { HttpAnswer } from '../faults/kit/plain-http.ts'
import { Cluster, type DrillNode } from '../faults/nodes/cluster.ts'
import { control } from '../faults/nodes/endings.ts'

const FIVE_MINUTES_MS = 300_000

/** A busy machine may keep a node without a heartbeat for a while: 503 is repeated. */
async function answered(ask: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
  for (;;) {
    const answer = await ask()
    if (answer.status !== 503) return answer
  }
}

/** A new token that is held for so long, and then released. */
async function held({ calls }: DrillNode, seconds: number): Promise<string> {
  const token = accessTokenIn(await answered(() => calls.oauthIssue()))
  const value = { target: { token }, reason: 'odd traffic', seconds, atDeadline: 'release' }
  assert.equal((await answered(() => control(calls, '/holds', value))).status, 201)
  assert.equal(isActive(await answered(() => calls.introspect(token))), false)
  return token
}

async function untilActive({ calls }: DrillNode, token: string): Promise<void> {
  while (!isActive(await answered(() => calls.introspect(token)))) continue
}

test('a node that starts with a wall clock five minutes ahead releases no hold early', {
  timeout: 60_000,
}, async (t) => {
  const cluster = await Cluster.start({ flags: [], count: 1, ended: () => {} })
  t.after(() => cluster.close())
  const [node] = cluster.nodes
  assert.ok(node !== undefined)
  const long = await held(node, 120)
  // A clock that jumps meanwhile is noticed, and then no hold is released at all.
  await node.kill()
  node.skew(FIVE_MINUTES_MS)
  await node.start()
  // Deadlines are looked at when the first of these is released, and again when the second one is.
  for (let round = 0; round < 2; round += 1) await untilActive(node, await held(node, 1))
  assert.equal(isActive(await answered(() => node.calls.introspect(long))), false)
})
