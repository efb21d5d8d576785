import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openServer, type TestServer } from '../../test/kit/in-process.ts'
import { START_MS } from '../../test/kit/realm.ts'
import { CONTROL_KEY } from '../../test/kit/server.ts'
import { stubPort } from '../../test/kit/stub-node.ts'

/** Past the default `--node-bound`. */
const LAPSED_S = 1

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
  return server
}

test('open metrics tell how old the heartbeat is that requests wait for', async () => {
  const server = await cutOff(['--metrics-open'])
  for (let age = 0; age <= LAPSED_S; ) {
    const answer = await fetch(`${server.url}/metrics`)
    assert.equal(answer.status, 200)
    age = Number(/^rescind_heartbeat_age_seconds (\S+)$/m.exec(await answer.text())?.[1])
    assert.ok(age >= 0)
  }
  await server.close()
})

test('metrics with a key are an outage without a heartbeat: the key may be revoked', async () => {
  const server = await cutOff([])
  const headers = { authorization: `Bearer ${CONTROL_KEY}` }
  const status = async (): Promise<number> => (await fetch(`${server.url}/metrics`, { headers })).status
  // Until the last heartbeat has lapsed.
  let now = await status()
  while (now === 200) now = await status()
  assert.equal(now, 503)
  await server.close()
})
