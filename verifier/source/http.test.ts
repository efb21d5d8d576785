import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { httpTransport } from './http.ts'

const QUESTIONS = 40
const ANSWER = '{"position":"p","floor":0}'

test('a proof of freshness waits neither for questions about tokens nor for the configuration', async () => {
  const held: ServerResponse[] = []
  const HELD = ['/control/v1/verify', '/control/v1/feed/config']
  const server = createServer((request, response) => {
    if (HELD.includes(request.url ?? '')) {
      held.push(response)
      return
    }
    response.setHeader('content-type', 'application/json')
    response.end(ANSWER)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on TCP has an AddressInfo.
  const { port } = server.address() as AddressInfo
  const transport = httpTransport(new URL(`http://127.0.0.1:${port}`), 'key')
  try {
    const asked = Array.from({ length: QUESTIONS }, (_, nth) => transport.ask(`token ${nth}`, 60_000))
    const settled = Promise.allSettled([...asked, transport.config()])
    assert.deepEqual(await transport.snapshot(), Buffer.from(ANSWER))
    const { position } = await transport.acknowledge({ instance: 'i', position: 'p', bound: 1_000 }, 60_000)
    assert.equal(position, 'p')
    assert.ok(held.length < QUESTIONS, 'some of the questions still wait for a connection')
    transport.close()
    assert.ok((await settled).every(({ status }) => status === 'rejected'))
  } finally {
    transport.close()
    server.closeAllConnections()
    server.close()
  }
})
