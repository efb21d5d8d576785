import { createConnection, type Socket } from 'node:net'

export type Response = { readonly status: number; readonly body: string }
export type Job = {
  readonly port: number
  readonly connections: number
  /** How many requests to send in all. */
  readonly count: number
  /** The bytes of the n-th request. */
  readonly request: (n: number) => Buffer
  /** Told of every answer, in no order. @throws when it is not what this job expects. */
  readonly check: (n: number, response: Response) => void
}
export type Measured = { readonly seconds: number; readonly latenciesUs: Float64Array }

/**
 * Sends a fixed number of requests over keep-alive connections, one at a time on each, and times every one. Plain
 * sockets and prebuilt bytes: the generator must not be what is measured.
 */
export async function runLoad(job: Job): Promise<Measured> {
  const latenciesUs = new Float64Array(job.count)
  // Before the clock runs: making requests must not be what is measured.
  const requests = Array.from({ length: job.count }, (_, n) => job.request(n))
  let next = 0
  const take = (): number | undefined => {
    if (next >= job.count) return undefined
    next += 1
    return next - 1
  }
  const sockets = await Promise.all(Array.from({ length: job.connections }, () => connect(job.port)))
  const started = performance.now()
  await Promise.all(sockets.map((socket) => drive(socket, job, { take, latenciesUs, requests })))
  const seconds = (performance.now() - started) / 1_000
  for (const socket of sockets) socket.destroy()
  return { seconds, latenciesUs }
}

type Shared = {
  readonly take: () => number | undefined
  readonly latenciesUs: Float64Array
  readonly requests: readonly Buffer[]
}

function drive(socket: Socket, job: Job, { take, latenciesUs, requests }: Shared): Promise<void> {
  return new Promise((resolve, reject) => {
    let n: number | undefined
    let sentAt = 0
    let pending = ''
    const send = (): void => {
      n = take()
      if (n === undefined) {
        resolve()
        return
      }
      sentAt = performance.now()
      socket.write(requests[n] as Buffer)
    }
    socket.on('data', (chunk) => {
      pending += chunk.toString('latin1')
      const response = parse(pending)
      if (response === undefined || n === undefined) return
      pending = ''
      latenciesUs[n] = (performance.now() - sentAt) * 1_000
      try {
        job.check(n, response)
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)))
        return
      }
      send()
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the server closed a connection under load')))
    send()
  })
}

const LENGTH = /\r\ncontent-length: *(\d+)\r\n/i

/** @returns undefined until the whole response is there. */
function parse(text: string): Response | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const status = Number(text.slice(9, 12))
  const match = LENGTH.exec(text.slice(0, end + 2))
  const length = match === null ? 0 : Number(match[1])
  const body = text.slice(end + 4)
  return body.length < length ? undefined : { status, body }
}

function connect(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })
}

export type FormPost = {
  readonly path: string
  readonly authorization?: string
  readonly form: Readonly<Record<string, string>>
}

export function formPost({ path, authorization, form }: FormPost): Buffer {
  const body = new URLSearchParams(form).toString()
  const lines = [
    `POST ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
    'Content-Type: application/x-www-form-urlencoded',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ]
  return Buffer.from(lines.join('\r\n'), 'latin1')
}
