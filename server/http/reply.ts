import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer } from '@rescind/dialects'
import { drained, sinkOf } from './sink.ts'

/**
 * Sent with every answer, errors too, for browsers that reach an API by accident. An answer runs nothing, loads nothing
 * and may not be framed. It sends no referrer, because our addresses may name a token.
 */
export const ALWAYS: readonly (readonly [name: string, value: string])[] = [
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
]

const ALWAYS_FLAT: readonly string[] = ALWAYS.flat()

/** Headers in the form that Node writes fastest: names and values in turn, in an array that Node may keep. */
function flat(headers: Answer['headers']): string[] {
  const all: string[] = []
  // Every answer takes this path, and this loop costs a quarter of `Object.entries`.
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
    // The producer of the body still has to learn that the reader has gone.
    if (typeof answer.body === 'string') return
    if ('attach' in answer.body) answer.body.attach(sinkOf(response))
    else if (Symbol.asyncIterator in answer.body) void unread(answer.body)
    return
  }
  const { status, reason, headers, body } = answer
  // Without a reason of ours, Node fills in the usual words.
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
  const bytes = Buffer.byteLength(body)
  response.writeHead(status, withLength(headers, bytes))
  // HEAD carries the headers of GET and no body (RFC 9110 §9.3.2).
  if (request.method === 'HEAD') response.end()
  // Nearly every answer is ASCII, and writing it as Latin-1 costs half as much as UTF-8.
  else response.end(body, bytes === body.length ? 'latin1' : 'utf8')
}

export function isGood({ status }: Pick<Answer, 'status'>): boolean {
  return status >= 200 && status < 300
}

type Other = Omit<Answer, 'body'> & { readonly body: Exclude<Answer['body'], string> }

/** Writes the bodies that are not one string, which few answers have. */
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

/**
 * Streams do not end by themselves. A reader that has closed its side has gone, and must stop counting before a write
 * fails.
 */
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

/** Never rejects: once the status is sent, breaking the answer off is the only way left to report a failure. */
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
  // The producer may be waiting for something to send, so it learns at once that the reader has gone.
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

/** Tells the producer of the parts that none will be asked for. */
async function unread(body: AsyncIterable<string>): Promise<void> {
  try {
    await body[Symbol.asyncIterator]().return?.()
  } catch {
    // The reader has gone, so this failure matters to no caller.
  }
}
