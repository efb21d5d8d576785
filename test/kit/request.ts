import type { Answer, WireRequest } from '@rescind/dialects'

export type Ask = {
  readonly method: string
  readonly path: string
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  readonly from?: string
}

/** A request as a dialect gets it from the server, for tests without a socket. */
export function wireRequest(ask: Ask): WireRequest {
  const headers = new Map(
    Object.entries(ask.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  )
  return {
    method: ask.method,
    path: ask.path,
    query: ask.query,
    body: typeof ask.body === 'string' ? Buffer.from(ask.body, 'utf8') : (ask.body ?? new Uint8Array(0)),
    from: ask.from ?? '127.0.0.1',
    base: 'http://127.0.0.1:8080',
    header: (name) => headers.get(name),
  }
}

/** The whole body of an answer, streamed or not. */
export async function bodyText(answer: Answer): Promise<string> {
  if (typeof answer.body === 'string') return answer.body
  if (!(Symbol.asyncIterator in answer.body)) throw new TypeError('a body without an end, or of bytes')
  let text = ''
  for await (const part of answer.body) text += part
  return text
}

export async function bodyJson(answer: Answer): Promise<unknown> {
  return JSON.parse(await bodyText(answer)) as unknown
}
