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
/** A stream says something at least every fifteen seconds; one that is silent for longer is dead. */
const SILENCE_MAX_MS = 40_000
/** Bytes of an answer that is not a snapshot. */
const ANSWER_MAX_BYTES = 16_777_216
/** Bytes of a snapshot: sixty million entries. */
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
  const secure = url.protocol === 'https:'
  const send = secure ? https.request : http.request
  const agentOf = (maxSockets: number): http.Agent =>
    new (secure ? https.Agent : http.Agent)({ keepAlive: true, maxSockets })
  // Apart from each other: what proves that this replica is fresh, and what it needs for that, waits for nothing else.
  const agents = { proofs: agentOf(1), replica: agentOf(2), questions: agentOf(SENT_MAX) }
  const out = new Set<http.ClientRequest>()
  const headers = { authorization: `Bearer ${key}` }

  const call = ({
    method,
    path,
    body,
    timeoutMs,
    maxBytes = ANSWER_MAX_BYTES,
    agent,
  }: Call): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
      const typed =
        bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': bytes.length }
      const request = send(base + path, { method, agent: agents[agent], headers: { ...headers, ...typed } })
      out.add(request)
      const inTime = TIMERS.after(timeoutMs, () => request.destroy(timedOut('no answer in time')))
      request.once('close', () => out.delete(request))
      const fail = (error: Error): void => {
        inTime()
        reject(connectionFailed(error))
      }
      request.on('error', fail)
      request.on('response', (response) => {
        const parts: Buffer[] = []
        let length = 0
        response.on('data', (part: Buffer) => {
          length += part.length
          if (length > maxBytes) request.destroy(new Error('the answer is too long'))
          else parts.push(part)
        })
        response.on('error', fail)
        response.on('end', () => {
          inTime()
          const status = response.statusCode ?? 0
          // An answer that breaks off is an error above; one that ends early says so by its length.
          if (!response.complete) fail(new Error('the answer broke off'))
          else if (status === 200) resolve(Buffer.concat(parts, length))
          else fail(refused(status))
        })
      })
      request.end(bytes)
    })

  const text = async (asked: Call): Promise<string> => (await call(asked)).toString('utf8')

  return {
    config: async () =>
      readConfig(
        await text({
          method: 'GET',
          path: `${FEED}/config`,
          timeoutMs: CONNECT_TIMEOUT_MS,
          agent: 'replica',
        }),
      ),
    snapshot: () =>
      call({
        method: 'GET',
        path: `${FEED}/snapshot`,
        timeoutMs: SNAPSHOT_TIMEOUT_MS,
        maxBytes: SNAPSHOT_MAX_BYTES,
        agent: 'replica',
      }),
    stream: (ask, listener) => {
      const accept = { ...headers, accept: 'text/event-stream' }
      const options = { method: 'GET', agent: false as const, headers: accept }
      return listen(send(base + streamPath(ask), options), listener)
    },
    acknowledge: async (ask, timeoutMs) =>
      readAck(await text({ method: 'POST', path: `${FEED}/acks`, body: ask, timeoutMs, agent: 'proofs' })),
    ask: async (token, timeoutMs) => {
      const question = { method: 'POST', path: '/control/v1/verify', body: { token }, timeoutMs } as const
      const answer = await text({ ...question, agent: 'questions' })
      const { verdict, facts } = readObject(answer)
      if (!isVerdict(verdict)) throw new SourceFailed('the server answered without a verdict')
      return { verdict, facts }
    },
    close: () => {
      // An agent that goes away leaves those alone that have no connection yet.
      for (const request of out) request.destroy(new Error('closed'))
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }
}

function streamPath({ after, boundMs, onStale, instance, label }: StreamAsk): string {
  const query = new URLSearchParams({ after, bound: String(boundMs), onStale })
  if (label !== '') query.set('label', label)
  if (instance !== undefined) query.set('instance', instance)
  return `${FEED}?${query.toString()}`
}

/** @returns what ends it. */
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
    if (!isOver && !tell(listener, event, data)) end(new SourceFailed('the stream is not as described'))
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

/** @returns false for what no feed of ours says. */
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
        // A newer server may say more; what is not understood here turns no verdict.
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
