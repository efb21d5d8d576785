/** The least that Node can do: reads a form body, ignores it and answers a small JSON. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
    const body = JSON.stringify({ active: form.has('token') })
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
    response.end(body)
  })
})
server.keepAliveTimeout = 72_000
server.listen(0, '127.0.0.1', () => {
  // A server that listens on TCP has an AddressInfo, which Node's type does not say.
  const { port } = server.address() as AddressInfo
  process.stdout.write(`{"url":"http://127.0.0.1:${port}"}\n`)
})
