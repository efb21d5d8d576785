import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { httpTransport } from './http.ts'

const QUESTIONS = 40

test('what proves that a replica is fresh waits for no question about a token', async () => {
  const held: ServerResponse[] = []
  const server = createServer((request, response) => {
    if (request.url === '/control/v1/verify') {
      held.push(response)
      return
    }
    response.setHeader('content-type', 'application/json')
    response.end('{"position":"p","floor":0}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on TCP has an AddressInfo.
  const { port } = server.address() as AddressInfo
  const transport = httpTransport(new URL(`http://127.0.0.1:${port}`), 'key')
  try {
    const asked = Array.from({ length: QUESTIONS }, (_, nth) => transport.ask(`token ${nth}`, 60_000))
    const settled = Promise.allSettled(asked)
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
