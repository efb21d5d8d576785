import { createConnection, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'

export type Response = { readonly status: number; readonly body: string }
export type Job = {
  readonly port: number
  readonly connections: number
  /** How many requests to send in all. */
  readonly count: number
  /** The bytes of the n-th request. */
  readonly request: (n: number) => Buffer
  /** Sends the head and the body of each request by two writes, so that they arrive in two segments. */
  readonly inTwoSegments?: boolean
  /** Called with every answer, in any order. @throws when the answer is not the one that this job expects. */
  readonly check: (n: number, response: Response) => void
}
export type Measured = { readonly seconds: number; readonly latenciesUs: Float64Array }

/**
 * Sends a fixed number of requests over keep-alive connections, one at a time on each, and times every one. Uses plain
 * sockets and prebuilt bytes, so that the generator itself is not measured.
 */
export async function runLoad(job: Job): Promise<Measured> {
  const latenciesUs = new Float64Array(job.count)
  // Build requests before the clock starts, so that building is not measured.
  const requests = Array.from({ length: job.count }, (_, n) => job.request(n))
  let next = 0
  const take = (): number | undefined => {
    if (next >= job.count) return undefined
    next += 1
    return next - 1
  }
  const lines = await Promise.all(Array.from({ length: job.connections }, () => connect(job.port)))
  const [first] = requests
  if (job.inTwoSegments === true && first !== undefined)
    await Promise.all(lines.map((line) => openInTwo(line, first)))
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
      const request = requests[n] as Buffer
      if (job.inTwoSegments === true) writeInTwo(socket, request)
      else socket.write(request)
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

function writeInTwo(socket: Socket, request: Buffer): void {
  const end = endOfHead(request)
  socket.write(request.subarray(0, end))
  socket.write(request.subarray(end))
}

function endOfHead(request: Buffer): number {
  return request.indexOf('\r\n\r\n') + 4
}

/** Long enough for an idle server to read the bytes that have come. */
const APART_MS = 50

/**
 * Sends a first request with its body well after its head. A busy server may read two segments at once. A server that
 * chooses a connection's path by its first read must not be misled by that.
 */
async function openInTwo(line: Line, request: Buffer): Promise<void> {
  const end = endOfHead(request)
  const answered = new Promise<void>((resolve) => {
    let pending = ''
    line.onText = (text) => {
      pending += text
      if (parse(pending) !== undefined) resolve()
    }
  })
  line.socket.write(request.subarray(0, end))
  await setTimeout(APART_MS)
  line.socket.write(request.subarray(end))
  await answered
}

const LENGTHS = ['\r\ncontent-length: ', '\r\nContent-Length: ']
const STATUS_AT = 'HTTP/1.1 '.length

/** @returns undefined until the whole response has arrived. */
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

/** Reads into one buffer per connection, because a stream's own reading costs as much as the answer. */
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
