import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import { ConnectionShares } from './connection-shares.ts'

// The kind: idle connections of one client must not take those that other clients need to revoke [P04].

const BOUNDS = { max: 20, perAddressMax: 10, reserved: 4, fewMax: 1 }

function opened(shares: ConnectionShares, address: string, count: number): number {
  let got = 0
  for (let nth = 0; nth < count; nth += 1) if (shares.enter(address) !== undefined) got += 1
  return got
}

test('one address, or one IPv6 /64, has so many connections, and a second one its own', () => {
  const shares = new ConnectionShares(() => false, BOUNDS)
  assert.equal(opened(shares, '192.0.2.1', 11), 10)
  assert.equal(opened(shares, '::ffff:192.0.2.1', 1), 0)
  assert.equal(opened(shares, '2001:db8::1', 3), 3)
  assert.equal(opened(shares, '192.0.2.2', 3), 3)
})

test('the last connections are for addresses that have few', () => {
  const shares = new ConnectionShares(() => false, BOUNDS)
  assert.equal(opened(shares, '192.0.2.1', 20) + opened(shares, '192.0.2.2', 20), 16)
  assert.equal(opened(shares, '192.0.2.3', 5), 1)
  assert.equal(opened(shares, '192.0.2.4', 5), 1)
})

test('a connection that was closed leaves its place, and a proxy has no bound per address', () => {
  const shares = new ConnectionShares((address) => address === '10.0.0.1', BOUNDS)
  const leaves = Array.from({ length: 10 }, () => shares.enter('192.0.2.1') ?? assert.fail())
  assert.equal(shares.enter('192.0.2.1'), undefined)
  for (const leave of leaves) leave()
  assert.equal(opened(shares, '192.0.2.1', 11), 10)
  assert.equal(opened(shares, '10.0.0.1', 12), 12)
})

test('one connection too many is closed, and the others are served', async () => {
  const server = http.createServer((_request, response) => response.end('ok'))
  new ConnectionShares(() => false, { ...BOUNDS, perAddressMax: 2 }).attach(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const sockets = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  const third = connect(port, '127.0.0.1')
  third.on('error', () => undefined)
  await once(third, 'close')
  sockets[0]?.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  const [answer] = (await once(sockets[0] ?? assert.fail(), 'data')) as [Buffer]
  assert.match(answer.toString(), /^HTTP\/1\.1 200/)
  for (const socket of sockets) socket.destroy()
  server.close()
})
