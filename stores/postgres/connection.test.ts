import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Connection, type PostgresAddress } from './connection.ts'

/** What the protocol says after a password is not asked for, and after a statement. */
const ADMITTED = Buffer.from('520000000800000000' + '5a0000000549', 'hex')
const DONE = Buffer.from('430000000b53454c454354' + '00' + '5a0000000549', 'hex')

/** Takes connections and never answers statements that contain a text. `asked`: resolves when one has come. */
async function silentServer(
  t: TestContext,
  on: string,
): Promise<{ address: PostgresAddress; asked: Promise<void> }> {
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  const sockets: Socket[] = []
  const server: Server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write(ADMITTED)
      socket.on('data', (chunk: Buffer) => {
        if (chunk.includes(on)) resolve()
        else socket.write(DONE)
      })
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const at = server.address()
  const port = typeof at === 'object' && at !== null ? at.port : 0
  return { address: { host: '127.0.0.1', port, user: 'u', database: 'd', ssl: false }, asked }
}

test('a connection that is taken and then silent is not waited for without end', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { address, asked } = await silentServer(t, 'set_config')
  const opening = assert.rejects(Connection.open(address))
  await asked
  t.mock.timers.tick(5_000)
  await opening
})

test('statements without results are not waited for without end, but longer if they work long', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { address, asked } = await silentServer(t, 'silence')
  const connection = await Connection.open(address)
  const running = assert.rejects(connection.run('silence', 60_000))
  await asked
  t.mock.timers.tick(64_999)
  assert.equal(connection.isLost, false)
  t.mock.timers.tick(1)
  await running
  assert.equal(connection.isLost, true)
})
