import { once } from 'node:events'
import net from 'node:net'

/** A connection whose bytes a test writes itself, in parts and at its own times. */
export class RawConnection {
  readonly #socket: net.Socket
  /** Resolves when the connection has ended, on either side. */
  readonly closed: Promise<void>
  #text = ''

  private constructor(socket: net.Socket) {
    this.#socket = socket
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      this.#text += chunk
    })
    // A reset is one way for a connection to end; 'close' follows.
    socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => {
      socket.once('close', () => resolve())
    })
  }

  static async open(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url)
    const socket = net.connect(Number(port), hostname)
    await once(socket, 'connect')
    return new RawConnection(socket)
  }

  /** All bytes that have come so far. */
  get text(): string {
    return this.#text
  }

  send(text: string): void {
    this.#socket.write(text)
  }

  /** Resolves when bytes have come. */
  async answered(): Promise<void> {
    if (this.#text === '') await once(this.#socket, 'data')
  }
}

/** A request as bytes, which a test may cut anywhere. */
export function requestText(line: string, headers: readonly string[], body = ''): string {
  const all = [
    ...headers,
    'host: test',
    ...(body === '' ? [] : [`content-length: ${Buffer.byteLength(body)}`]),
  ]
  return `${line} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n${body}`
}
