import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import { type AddressInfo, connect, Socket } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { TEST_CERT, TEST_KEY } from '../../test/kit/tls.ts'
import { ClientErrors } from './client-errors.ts'
import { Handshakes } from './handshakes.ts'

test('[W101] a handshake that is broken off is disconnected when the server stops, and what is secured is not', async (t) => {
  const server = createServer({ cert: TEST_CERT, key: TEST_KEY, allowHalfOpen: true })
  const handshakes = new Handshakes()
  handshakes.attach(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const port = (server.address() as AddressInfo).port
  const secured = once(server, 'secureConnection')
  const whole = connectTls({ port, host: '127.0.0.1', ca: TEST_CERT })
  t.after(() => whole.destroy())
  await Promise.all([once(whole, 'secureConnect'), secured])
  assert.equal(handshakes.size, 0)
  const came = once(server, 'connection')
  const half = connect({ port, host: '127.0.0.1' })
  half.on('error', () => {})
  half.end()
  await came
  assert.equal(handshakes.size, 1)
  const gone = once(half, 'close')
  handshakes.disconnect()
  await gone
  assert.equal(handshakes.size, 0)
  assert.equal(whole.destroyed, false)
})

test('[W101] a failure before HTTP is spoken closes the connection silently; malformed HTTP is answered', () => {
  const errors = new ClientErrors(() => ({ status: 401, headers: {}, body: '' }))
  for (const [code, isTold] of [
    ['ERR_TLS_HANDSHAKE_TIMEOUT', false],
    ['ERR_SSL_HTTP_REQUEST', false],
    ['ECONNRESET', false],
    ['EPIPE', false],
    [undefined, false],
    ['HPE_INVALID_METHOD', true],
    ['ERR_HTTP_REQUEST_TIMEOUT', true],
  ] as const) {
    let said = ''
    const socket = new Socket()
    socket.end = (text?: unknown) => {
      said = String(text)
      return socket
    }
    Object.defineProperty(socket, 'writable', { value: true })
    errors.answer(Object.assign(new Error('x'), code === undefined ? {} : { code }), socket)
    assert.deepEqual([said.startsWith('HTTP/1.1 4'), socket.destroyed], [isTold, !isTold], String(code))
  }
})
