import http from 'node:http'

export type HttpAsk = {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export type HttpAnswer = {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
}

/** The connection ended before the whole answer had come, so nothing was acknowledged. */
export class ConnectionBroken extends Error {
  override readonly name = 'ConnectionBroken'
}

/** Connections that one client keeps open. */
const CONNECTIONS_MAX = 64

/** A client over kept connections. An answer counts only once all of it has arrived. */
export class PlainHttp {
  readonly #agent: http.Agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX })
  readonly #url: URL

  constructor(url: string) {
    this.#url = new URL(url)
  }

  /** @throws ConnectionBroken */
  ask({ method, path, headers, body }: HttpAsk): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const broken = (error: Error): void => reject(new ConnectionBroken(error.message, { cause: error }))
      const request = http.request(
        {
          agent: this.#agent,
          host: this.#url.hostname,
          port: this.#url.port,
          method,
          path,
          headers: {
            ...headers,
            ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
          },
        },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', broken)
          response.on('close', () => {
            if (!response.complete) return broken(new Error('the answer broke off'))
            const text = Buffer.concat(chunks).toString('utf8')
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
          })
        },
      )
      request.on('error', broken)
      request.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
