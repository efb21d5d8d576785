import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** Time limit of an answer in milliseconds, to detect a server that does not answer. */
const ANSWER_TIMEOUT_MS = 60_000

/** An answer as its bytes are, without merging or decoding anything but chunks. */
export type RawAnswer = {
  /** `HTTP/1.1 200 OK` */
  readonly statusLine: string
  readonly status: number
  /** Names in lower case, in order of arrival. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
}

export function headerOf(answer: RawAnswer, name: string): string | undefined {
  const values = answer.headers.filter(([given]) => given === name).map(([, value]) => value)
  return values.length === 0 ? undefined : values.join(' | ')
}

/** Converts Latin-1 text to bytes, so that any byte can be written. */
export function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

export type RequestParts = {
  /** `DELETE /v2.0/tokens HTTP/1.1` */
  readonly line: string
  /** Host is added unless given here. */
  readonly headers?: readonly string[]
  readonly body?: string | Buffer
}

/** A request as bytes. Content-Length is added for a body without a length of its own. */
export function requestBytes({ line, headers = [], body }: RequestParts): Buffer {
  const has = (name: string): boolean => headers.some((header) => header.toLowerCase().startsWith(`${name}:`))
  const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : (body ?? Buffer.alloc(0))
  const lines = [line, ...(has('host') ? [] : ['Host: 127.0.0.1:8080']), ...headers]
  const isFramed = has('content-length') || has('transfer-encoding')
  if (bytes.length > 0 && !isFramed) lines.push(`Content-Length: ${bytes.length}`)
  return Buffer.concat([latin1(`${lines.join('\r\n')}\r\n\r\n`), bytes])
}

/** A connection for consecutive requests, reopened when the server has closed it. */
export class RawConnection {
  readonly #port: number
  #socket: Socket | undefined
  #received: Buffer = Buffer.alloc(0)
  #ended = false
  #wake: () => void = () => {}

  constructor(port: number) {
    this.#port = port
  }

  /** @throws when the connection ends without a whole answer, or none comes in time. */
  async exchange(bytes: Buffer): Promise<RawAnswer> {
    const socket = await this.#open()
    socket.write(bytes)
    const toHead = bytes.subarray(0, 5).toString('latin1') === 'HEAD '
    const answer = await this.#read(toHead)
    if (headerOf(answer, 'connection') === 'close') this.close()
    return answer
  }

  /** Sends, and reads all answers until the server ends the connection. */
  async exchangeAll(bytes: Buffer): Promise<readonly RawAnswer[]> {
    const socket = await this.#open()
    socket.write(bytes)
    while (!this.#ended) await this.#more()
    const answers: RawAnswer[] = []
    while (this.#received.length > 0) answers.push(await this.#read(false))
    this.close()
    return answers
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }

  async #open(): Promise<Socket> {
    if (this.#socket !== undefined && !this.#ended && this.#received.length === 0) return this.#socket
    this.close()
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true })
    this.#socket = socket
    this.#received = Buffer.alloc(0)
    this.#ended = false
    // Late events of a previous connection are ignored.
    const isCurrent = (): boolean => this.#socket === socket
    socket.on('data', (chunk: Buffer) => {
      if (!isCurrent()) return
      this.#received = Buffer.concat([this.#received, chunk])
      this.#wake()
    })
    const end = (): void => {
      if (!isCurrent()) return
      this.#ended = true
      this.#wake()
    }
    socket.on('end', end).on('close', end).on('error', end)
    await once(socket, 'connect')
    return socket
  }

  async #more(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve, reject) => {
      this.#wake = resolve
      timer = setTimeout(
        () => reject(new Error(`no answer in time; so far: ${this.#received.toString('latin1')}`)),
        ANSWER_TIMEOUT_MS,
      )
    }).finally(() => clearTimeout(timer))
  }

  async #read(toHead: boolean): Promise<RawAnswer> {
    for (;;) {
      const parsed = parseAnswer(this.#received, { toHead, ended: this.#ended })
      if (parsed !== undefined) {
        this.#received = this.#received.subarray(parsed.length)
        if (parsed.answer.status >= 200) return parsed.answer
      } else if (this.#ended) {
        throw new Error(`the connection ended within an answer: ${this.#received.toString('latin1')}`)
      } else await this.#more()
    }
  }
}

/** One exchange on a new connection. */
export async function rawExchange(port: number, bytes: Buffer): Promise<RawAnswer> {
  const connection = new RawConnection(port)
  try {
    return await connection.exchange(bytes)
  } finally {
    connection.close()
  }
}

type Parsed = { readonly answer: RawAnswer; readonly length: number }

/** @returns undefined while bytes are missing. */
function parseAnswer(
  bytes: Buffer,
  { toHead, ended }: { readonly toHead: boolean; readonly ended: boolean },
): Parsed | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const match = /^HTTP\/1\.1 (\d{3}) [\x20-\x7e]+$/.exec(statusLine)
  if (match === null) throw new Error(`no status line: ${JSON.stringify(statusLine)}`)
  const headers = lines.map(splitHeader)
  const head = { statusLine, status: Number(match[1]), headers }
  const start = end + 4
  const find = (name: string): string | undefined => headers.find(([given]) => given === name)?.[1]
  const bare = toHead || head.status < 200 || head.status === 204 || head.status === 304
  if (bare) return { answer: { ...head, body: Buffer.alloc(0) }, length: start }
  if (find('transfer-encoding') === 'chunked') return withChunks(bytes, start, head)
  const declared = find('content-length')
  if (declared === undefined && !ended) return undefined
  const stop = declared === undefined ? bytes.length : start + Number(declared)
  return bytes.length < stop
    ? undefined
    : { answer: { ...head, body: bytes.subarray(start, stop) }, length: stop }
}

function withChunks(bytes: Buffer, start: number, head: Omit<RawAnswer, 'body'>): Parsed | undefined {
  const parts: Buffer[] = []
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const size = Number.parseInt(bytes.subarray(at, lineEnd).toString('latin1'), 16)
    const next = lineEnd + 2 + size + 2
    if (bytes.length < next) return undefined
    if (size === 0) return { answer: { ...head, body: Buffer.concat(parts) }, length: next }
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = next
  }
}

function splitHeader(line: string): readonly [string, string] {
  const split = line.indexOf(':')
  if (split < 1) throw new Error(`no header line: ${JSON.stringify(line)}`)
  return [line.slice(0, split).toLowerCase(), line.slice(split + 1).trim()]
}
