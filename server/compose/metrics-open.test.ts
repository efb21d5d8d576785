import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openServer, type TestServer } from '../../test/kit/in-process.ts'
import { START_MS } from '../../test/kit/realm.ts'
import { CONTROL_KEY } from '../../test/kit/server.ts'
import { stubPort } from '../../test/kit/stub-node.ts'

/** A node that has lost its heartbeat. */
async function cutOff(flags: readonly string[]): Promise<TestServer> {
  let isThere = true
  const port = stubPort(() => START_MS)
  const nodes = { ...port, beat: async () => (isThere ? port.beat([]) : undefined) }
  const server = await openServer({
    ...{ time: 'hand', flags },
    prepare: async (store) => {
      Object.defineProperty(store, 'nodes', { value: nodes })
    },
  })
  isThere = false
  server.clock.advance(5_000)
  return server
}

test('open metrics tell how old the heartbeat is that requests wait for', async () => {
  const server = await cutOff(['--metrics-open'])
  const answer = await fetch(`${server.url}/metrics`)
  assert.equal(answer.status, 200)
  assert.match(await answer.text(), /^rescind_heartbeat_age_seconds 5$/m)
  await server.close()
})

test('metrics with a key are an outage without a heartbeat: the key may be revoked', async () => {
  const server = await cutOff([])
  const headers = { authorization: `Bearer ${CONTROL_KEY}` }
  assert.equal((await fetch(`${server.url}/metrics`, { headers })).status, 503)
  await server.close()
})
