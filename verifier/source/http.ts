import http from 'node:http'
import https from 'node:https'
import { readFeedEvent, type Verdict } from '@rescind/core'
import { SENT_MAX } from '../questions.ts'
import { readAck, readConfig, readHello, readObject } from './read.ts'
import { SseParser } from './sse.ts'
import { TIMERS } from './timers.ts'
import type { StreamAsk, StreamListener, Transport } from './transport.ts'
import { connectionFailed, refused, SourceFailed, timedOut } from './trouble.ts'

const FEED = '/control/v1/feed'
const CONNECT_TIMEOUT_MS = 5_000
const SNAPSHOT_TIMEOUT_MS = 60_000
/** A stream sends something at least every fifteen seconds; one that is silent for longer is dead. */
const SILENCE_MAX_MS = 40_000
/** Largest answer in bytes, other than a snapshot. */
const ANSWER_MAX_BYTES = 16_777_216
/** Largest snapshot in bytes: sixty million entries. */
const SNAPSHOT_MAX_BYTES = 1_073_741_824
type Call = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: unknown
  readonly timeoutMs: number
  readonly maxBytes?: number
  readonly agent: 'proofs' | 'replica' | 'questions'
}

/** The server over HTTP. */
export function httpTransport(url: URL, key: string): Transport {
  const base = url.href.endsWith('/') ? url.href.slice(0, -1) : url.href
  const calls = new Calls(base, `Bearer ${key}`)
  return {
    config: async () =>
      readConfig(
        await calls.text({
          method: 'GET',
          path: `${FEED}/config`,
          timeoutMs: CONNECT_TIMEOUT_MS,
          agent: 'replica',
        }),
      ),
    snapshot: () =>
      calls.bytes({
        method: 'GET',
        path: `${FEED}/snapshot`,
        timeoutMs: SNAPSHOT_TIMEOUT_MS,
        maxBytes: SNAPSHOT_MAX_BYTES,
        agent: 'replica',
      }),
    stream: (ask, listener) => listen(calls.stream(streamPath(ask)), listener),
    acknowledge: async (ask, timeoutMs) =>
      readAck(
        await calls.text({ method: 'POST', path: `${FEED}/acks`, body: ask, timeoutMs, agent: 'proofs' }),
      ),
    ask: async (token, timeoutMs) => {
      const question = { method: 'POST', path: '/control/v1/verify', body: { token }, timeoutMs } as const
      const { verdict, facts } = readObject(await calls.text({ ...question, agent: 'questions' }))
      if (!isVerdict(verdict)) throw new SourceFailed('the server answered without a verdict')
      return { verdict, facts }
    },
    close: () => calls.close(),
  }
}

/** Calls to one server with one key. */
class Calls {
  readonly #base: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #send: typeof http.request
  readonly #agents: Readonly<Record<Call['agent'], http.Agent>>
  readonly #out: Set<http.ClientRequest> = new Set()

  constructor(base: string, authorization: string) {
    const isSecure = base.startsWith('https:')
    const agentOf = (maxSockets: number): http.Agent =>
      new (isSecure ? https.Agent : http.Agent)({ keepAlive: true, maxSockets })
    this.#base = base
    this.#headers = { authorization }
    this.#send = isSecure ? https.request : http.request
    // Separate connections: proofs of freshness, and what the replica needs for them, wait for nothing else.
    this.#agents = { proofs: agentOf(1), replica: agentOf(2), questions: agentOf(SENT_MAX) }
  }

  async text(call: Call): Promise<string> {
    return (await this.bytes(call)).toString('utf8')
  }

  /** @throws SourceFailed for anything but a complete 200 in time. */
  bytes(call: Call): Promise<Buffer> {
    const { method, path, body, timeoutMs, maxBytes = ANSWER_MAX_BYTES, agent } = call
    return new Promise((resolve, reject) => {
      const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
      const typed =
        bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': bytes.length }
      const headers = { ...this.#headers, ...typed }
      const request = this.#send(this.#base + path, { method, agent: this.#agents[agent], headers })
      this.#out.add(request)
      const inTime = TIMERS.after(timeoutMs, () => request.destroy(timedOut('no answer in time')))
      request.once('close', () => this.#out.delete(request))
      const settle = (answered: Buffer | Error): void => {
        inTime()
        if (answered instanceof Error) reject(connectionFailed(answered))
        else resolve(answered)
      }
      request.on('error', settle)
      request.on('response', (response) => readAnswer({ request, response, maxBytes }, settle))
      request.end(bytes)
    })
  }

  /** A request for a stream on its own connection, not sent yet. */
  stream(path: string): http.ClientRequest {
    const headers = { ...this.#headers, accept: 'text/event-stream' }
    return this.#send(this.#base + path, { method: 'GET', agent: false, headers })
  }

  close(): void {
    // Destroying an agent does not end requests that wait for a connection.
    for (const request of this.#out) request.destroy(new Error('closed'))
    for (const agent of Object.values(this.#agents)) agent.destroy()
  }
}

type Answering = {
  readonly request: http.ClientRequest
  readonly response: http.IncomingMessage
  readonly maxBytes: number
}

function readAnswer(
  { request, response, maxBytes }: Answering,
  settle: (answered: Buffer | Error) => void,
): void {
  const parts: Buffer[] = []
  let length = 0
  response.on('data', (part: Buffer) => {
    length += part.length
    if (length > maxBytes) request.destroy(new Error('the answer is too long'))
    else parts.push(part)
  })
  response.on('error', settle)
  response.on('end', () => {
    const status = response.statusCode ?? 0
    // A broken connection is an error above; an early end shows in the length.
    if (!response.complete) settle(new Error('the answer broke off'))
    else settle(status === 200 ? Buffer.concat(parts, length) : refused(status))
  })
}

function streamPath({ after, boundMs, onStale, instance, label }: StreamAsk): string {
  const query = new URLSearchParams({ after, bound: String(boundMs), onStale })
  if (label !== '') query.set('label', label)
  if (instance !== undefined) query.set('instance', instance)
  return `${FEED}?${query.toString()}`
}

/** @returns a function that ends the stream. */
function listen(request: http.ClientRequest, listener: StreamListener): () => void {
  let isOver = false
  let inTime = TIMERS.after(CONNECT_TIMEOUT_MS, () => request.destroy(timedOut('no answer in time')))
  const end = (failure: SourceFailed | undefined): void => {
    inTime()
    if (isOver) return
    isOver = true
    request.destroy()
    listener.ended(failure)
  }
  const parser = new SseParser(({ event, data }) => {
    if (!isOver && !tell(listener, event, data)) end(new SourceFailed('the stream has an invalid event'))
  })
  request.on('error', (error) => end(connectionFailed(error)))
  request.on('response', (response) => {
    inTime()
    if (response.statusCode !== 200) {
      end(refused(response.statusCode ?? 0))
      return
    }
    let isHeard = false
    const listenOn = (): void => {
      inTime = TIMERS.after(SILENCE_MAX_MS, () => {
        if (!isHeard) end(timedOut('the stream fell silent'))
        else {
          isHeard = false
          listenOn()
        }
      })
    }
    listenOn()
    response.socket.setNoDelay(true)
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      isHeard = true
      if (!isOver && !parser.push(chunk)) end(new SourceFailed('an event is too long'))
    })
    response.on('error', (error) => end(connectionFailed(error)))
    response.on('close', () => end(undefined))
  })
  request.end()
  return () => end(undefined)
}

/** @returns false for an event that no valid feed sends. */
function tell(listener: StreamListener, event: string, data: string): boolean {
  try {
    const value = readObject(data)
    switch (event) {
      case 'hello': {
        const hello = readHello(data)
        if (hello !== undefined) listener.hello(hello)
        return hello !== undefined
      }
      case 'rows': {
        const rows = readFeedEvent(value)
        if (rows !== undefined) listener.rows(rows)
        return rows !== undefined
      }
      case 'reset':
        listener.reset(String(value['why']))
        return true
      default:
        // A newer server may send other events; those cannot change a verdict.
        return true
    }
  } catch (error) {
    if (error instanceof SourceFailed) return false
    throw error
  }
}

function isVerdict(value: unknown): value is Verdict {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false
  const { kind } = value
  return kind === 'active' || ((kind === 'inactive' || kind === 'unknown') && 'why' in value)
}
