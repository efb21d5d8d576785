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
  const lines = await Promise.all(Array.from({ length: job.connections }, () => connect(job.port)))
  const started = performance.now()
  await Promise.all(lines.map((line) => drive(line, job, { take, latenciesUs, requests })))
  const seconds = (performance.now() - started) / 1_000
  for (const { socket } of lines) socket.destroy()
  return { seconds, latenciesUs }
}

type Shared = {
  readonly take: () => number | undefined
  readonly latenciesUs: Float64Array
  readonly requests: readonly Buffer[]
}

function drive(line: Line, job: Job, { take, latenciesUs, requests }: Shared): Promise<void> {
  const { socket } = line
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
    line.onText = (text) => {
      pending = pending === '' ? text : pending + text
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
    }
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the server closed a connection under load')))
    send()
  })
}

const LENGTHS = ['\r\ncontent-length: ', '\r\nContent-Length: ']
const STATUS_AT = 'HTTP/1.1 '.length

/** @returns undefined until the whole response is there. */
function parse(text: string): Response | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const status = Number(text.slice(STATUS_AT, STATUS_AT + 3))
  const body = text.slice(end + 4)
  return body.length < lengthOf(text, end) ? undefined : { status, body }
}

function lengthOf(text: string, end: number): number {
  for (const name of LENGTHS) {
    const at = text.lastIndexOf(name, end)
    if (at >= 0) return Number.parseInt(text.slice(at + name.length, end), 10)
  }
  throw new Error('an answer does not say its length')
}

type Line = { readonly socket: Socket; onText: (text: string) => void }

/** What is read stands in one buffer for each connection: a stream's own way of reading costs as much as the answer. */
function connect(port: number): Promise<Line> {
  return new Promise((resolve, reject) => {
    const callback = (count: number, bytes: Uint8Array): boolean => {
      line.onText(Buffer.from(bytes.buffer, bytes.byteOffset, count).toString('latin1'))
      return true
    }
    const onread = { buffer: Buffer.allocUnsafe(READ_BYTES), callback }
    const options = { port, host: '127.0.0.1', noDelay: true, onread }
    const socket = createConnection(options, () => resolve(line))
    const line: Line = { socket, onText: () => {} }
    socket.once('error', reject)
  })
}

const READ_BYTES = 65_536

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
