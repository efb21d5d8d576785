import assert from 'node:assert/strict'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { LoopbackListeners } from './loopback-listeners.ts'

async function statusAt(host: string, port: number): Promise<number | undefined> {
  const request = send({ host, port, agent: false }).end()
  const [response] = await once(request, 'response')
  response.resume()
  return response.statusCode
}

test('a server at localhost answers at every address of that name, and at none once it is closed', async () => {
  const server = createServer((_request, response) => void response.writeHead(204).end())
  server.listen({ host: 'localhost', port: 0 })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const beside = new LoopbackListeners(server)
  await beside.listen(10)
  const addresses = await lookup('localhost', { all: true })
  for (const { address } of addresses) assert.equal(await statusAt(address, port), 204, address)
  server.close()
  await beside.close()
  for (const { address } of addresses) await assert.rejects(statusAt(address, port), address)
})
