import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Bytes of headers that the service accepts: more than any gateway passes on. */
const HEADERS_MAX_BYTES = 262_144

/** The request that reached the service behind a gateway. */
export type Reached = {
  readonly method: string
  /** Names and values in turn, as they came. */
  readonly headers: readonly string[]
  readonly bytes: number
}

/** The service behind the gateway: reports the request that reached it, and accepts every upgrade. */
export async function startService(): Promise<Server> {
  const service = createServer({ maxHeaderSize: HEADERS_MAX_BYTES }, (request, response) => {
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    request.on('end', () => {
      const { method = '', rawHeaders: headers } = request
      response.end(JSON.stringify({ method, headers, bytes } satisfies Reached))
    })
  })
  service.on('upgrade', ({ rawHeaders }, socket) => {
    const head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
    // The value that a client of the protocol checks (RFC 6455 §1.3), for the key of the example there.
    const accept = 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n'
    socket.on('error', () => socket.destroy())
    socket.end(`${head}${accept}\r\n${JSON.stringify(rawHeaders)}`)
  })
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  return service
}

export function portOf(server: { address: () => AddressInfo | string | null }): number {
  return (server.address() as AddressInfo).port
}
