import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer } from '@rescind/dialects'
import { drained, sinkOf } from './sink.ts'

/**
 * Sent with every answer, errors too, for browsers that meet an API by accident: nothing here is a page that runs, loads
 * or may be framed, and no address of ours, which may name a token, goes along to the next one.
 */
export const ALWAYS: readonly (readonly [name: string, value: string])[] = [
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
]

const ALWAYS_FLAT: readonly string[] = ALWAYS.flat()

/** Headers as Node writes them fastest: names and values in turn, in an array that is the caller's own. */
function flat(headers: Answer['headers']): string[] {
  const all: string[] = []
  // Every answer comes this way, and a loop over the few names is a quarter of what `Object.entries` costs.
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) all.push(name, value)
  }
  all.push(...ALWAYS_FLAT)
  return all
}

function withLength(headers: Answer['headers'], bytes: number): string[] {
  const all = flat(headers)
  all.push('content-length', String(bytes))
  return all
}

/**
 * Writes an answer to a request that Node's server parsed.
 */
export function writeAnswer(response: ServerResponse, request: IncomingMessage, answer: Answer): void {
  if (response.headersSent || response.destroyed) {
    // Who was to write the body still has to hear that nobody is there.
    if (typeof answer.body === 'string') return
    if ('attach' in answer.body) answer.body.attach(sinkOf(response))
    else if (Symbol.asyncIterator in answer.body) void unread(answer.body)
    return
  }
  const { status, reason, headers, body } = answer
  // Node has the usual words for what it is given none for.
  if (reason !== undefined) response.statusMessage = reason
  if (typeof body !== 'string') {
    writeOther(response, request, { ...answer, body })
    return
  }
  if (status === 204 || status === 304) {
    response.writeHead(status, flat(headers))
    response.end()
    return
  }
  response.writeHead(status, withLength(headers, Buffer.byteLength(body)))
  // HEAD carries the headers of GET and no body (RFC 9110 §9.3.2).
  response.end(request.method === 'HEAD' ? undefined : body)
}

type Other = Omit<Answer, 'body'> & { readonly body: Exclude<Answer['body'], string> }

/** Bodies that few answers have. */
function writeOther(response: ServerResponse, request: IncomingMessage, { body, ...head }: Other): void {
  if (head.headers['content-type']?.startsWith('text/event-stream') === true) endWithReader(response)
  if ('attach' in body) {
    response.writeHead(head.status, flat(head.headers))
    body.attach(sinkOf(response))
  } else if (body instanceof Uint8Array) {
    response.writeHead(head.status, withLength(head.headers, body.length))
    response.end(request.method === 'HEAD' ? undefined : body)
  } else void writeStream(response, request, { ...head, body })
}

/** A stream has no end of its own: who has closed its side has gone, and must not count as a reader until a write fails. */
function endWithReader(response: ServerResponse): void {
  const { socket } = response
  const gone = (): void => void response.destroy()
  if (socket === null || socket.readableEnded) {
    queueMicrotask(gone)
    return
  }
  socket.once('end', gone)
  response.once('close', () => socket.off('end', gone))
}

type Streamed = Omit<Answer, 'body'> & { readonly body: AsyncIterable<string> }

/** Never rejects: once the status is out, all that is left to say of a failure is an answer that breaks off. */
async function writeStream(
  response: ServerResponse,
  request: IncomingMessage,
  answer: Streamed,
): Promise<void> {
  response.writeHead(answer.status, flat(answer.headers))
  if (request.method === 'HEAD') {
    response.end()
    await unread(answer.body)
    return
  }
  const parts = answer.body[Symbol.asyncIterator]()
  // Who produces the parts may be waiting for something to tell: it learns at once that nobody listens any more.
  response.once('close', () => void parts.return?.().catch(() => undefined))
  answer.until?.addEventListener('abort', () => response.destroy(), { once: true })
  try {
    for (let next = await parts.next(); next.done !== true; next = await parts.next()) {
      if (response.destroyed) return
      if (!response.write(next.value)) await drained(response)
    }
    response.end()
  } catch {
    response.destroy()
  }
}

/** Whoever would have made the parts is told that nobody will ask for one. */
async function unread(body: AsyncIterable<string>): Promise<void> {
  try {
    await body[Symbol.asyncIterator]().return?.()
  } catch {
    // What it fails at concerns nobody any more.
  }
}
