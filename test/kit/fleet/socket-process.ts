/** A chat server's sockets: a line with a token opens one, and the token's revocation closes it. */
import { createServer } from 'node:net'
import { openVerifier } from '@rescind/verifier'

const [url = '', key = ''] = process.argv.slice(2)
/** Longer than a server restart on a busy machine, so that only a revocation closes a socket here. */
const STALENESS_MS = 60_000
const verifier = openVerifier({ url, key, maxStalenessMs: STALENESS_MS })

const server = createServer((socket) => {
  socket.setEncoding('utf8')
  socket.on('error', () => {})
  socket.once('data', (line: string) => {
    const token = line.trim()
    void verifier.verify(token).then((result) => {
      if (result.kind !== 'active') {
        socket.end(`refused ${result.why}\n`)
        return
      }
      const stop = verifier.onRevoked(token, (ended) => socket.end(`closed ${ended.why}\n`))
      socket.on('close', stop)
      socket.write('open\n')
    })
  })
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  void verifier.ready(20_000).then(() => process.send?.({ port }))
})
process.on('disconnect', () => process.exit(0))
