import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Call } from '../frame/call.ts'
import { CommandFailed, Interrupted, WrongUse } from '../frame/failure.ts'
import type { Io } from '../frame/io.ts'
import { isObject, notRescind, parsed, retryAfter } from './answers.ts'
import { connectionFault, isBroken, isRefusedConnection, Refused } from './problems.ts'
import { requestUrl } from './request-url.ts'
import { type Target, targetOf } from './target.ts'

/** Below the server's URL, with its slash. */
export type ControlPath = `/${string}`
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export type Options = {
  readonly query?: Readonly<Record<string, string | undefined>>
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is, with its type: lines, say. Sent once: a stream cannot be repeated. */
  readonly body?: { readonly type: string; readonly stream: ReadableStream<Uint8Array> | string }
  /** The etag of the record that a change is based on. */
  readonly ifMatch?: string
  /** Instead of a new one, for a change that may be repeated after this process has ended. */
  readonly idempotencyKey?: string
  /** A stream that changes nothing, so that the server need keep nothing for its repetition. */
  readonly isQuestion?: true
  /** Instead of --timeout. */
  readonly timeoutMs?: number
  /** Of a stream: the time for all of it, from its head on. */
  readonly wholeMs?: number
  /** About the whole store: no realm is named. */
  readonly isOfStore?: boolean
  /** Statuses that are no failure for this command: their problem is the answer. */
  readonly accept?: readonly number[]
}

export type Answer = {
  readonly status: number
  readonly headers: Headers
  /** Undefined for an answer without a body. */
  readonly json: unknown
}

type Sending = Options & {
  readonly method: Method
  readonly path: ControlPath
  /** Its body is read as it comes, however long that takes. */
  readonly isStream?: true
}

const PREFIX = '/control/v1'
const RETRIES_MAX = 4
/** Bytes of an answer that is read whole. */
const ANSWER_MAX_BYTES = 64 * 2 ** 20

/** Speaks to one server with one key, by the control API. */
export class Client {
  readonly target: Target
  readonly #io: Io
  readonly #timeoutMs: number

  constructor(target: Target, io: Io, timeoutMs: number) {
    this.target = target
    this.#io = io
    this.#timeoutMs = timeoutMs
  }

  /** @throws Refused, CommandFailed. */
  get(path: ControlPath, options: Options = {}): Promise<Answer> {
    return this.#whole({ ...options, method: 'GET', path })
  }

  /** A POST that changes nothing, such as a preview. The server keeps no answer for a repetition. @throws Refused, CommandFailed. */
  ask(path: ControlPath, json: unknown, options: Options = {}): Promise<Answer> {
    return this.#whole({ ...options, json, method: 'POST', path })
  }

  /** A call that changes something. An Idempotency-Key makes its repetition safe. @throws Refused, CommandFailed. */
  change(method: Exclude<Method, 'GET'>, path: ControlPath, options: Options = {}): Promise<Answer> {
    return this.#whole({ ...options, method, path, idempotencyKey: options.idempotencyKey ?? randomUUID() })
  }

  /** Every item of a list, page by page. @param member of the answer that holds them. @throws Refused, CommandFailed. */
  async *pages(path: ControlPath, member: string, options: Options = {}): AsyncGenerator {
    let cursor: string | undefined
    do {
      const { json } = await this.get(path, { ...options, query: { ...options.query, cursor } })
      const page: Readonly<Record<string, unknown>> = isObject(json) ? json : {}
      const items = page[member]
      if (!Array.isArray(items)) throw notRescind(this.target.url)
      yield* items
      cursor = typeof page['next'] === 'string' ? page['next'] : undefined
    } while (cursor !== undefined)
  }

  /** An answer whose body is read as it comes: lines or events. Only `wholeMs` ends it after the head. @throws Refused, CommandFailed. */
  async stream(method: Method, path: ControlPath, options: Options = {}): Promise<Response> {
    const isQuestion = method === 'GET' || options.isQuestion === true
    const { idempotencyKey = isQuestion ? undefined : randomUUID() } = options
    return this.#settled({
      ...options,
      ...{ method, path, isStream: true },
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    })
  }

  async #whole(sending: Sending): Promise<Answer> {
    const response = await this.#settled(sending)
    const { status, headers } = response
    const text = await this.#read(response)
    return { status, headers, json: text === '' ? undefined : parsed(text, this.target.url) }
  }

  async #read(response: Response): Promise<string> {
    const { url } = this.target
    const chunks: Uint8Array[] = []
    let bytes = 0
    try {
      for await (const chunk of response.body ?? []) {
        bytes += chunk.length
        if (bytes > ANSWER_MAX_BYTES) throw new CommandFailed(`${url.origin}: the answer is too large`)
        chunks.push(chunk)
      }
    } catch (error) {
      throw connectionFault(url, error) ?? error
    }
    return Buffer.concat(chunks).toString('utf8')
  }

  /** The answer after repetitions; a success, or a status that the command accepts. */
  async #settled(sending: Sending): Promise<Response> {
    for (let nth = 0; ; nth += 1) {
      const isLast = nth >= RETRIES_MAX || sending.body !== undefined
      const response = await this.#sent(sending, isLast)
      if (response === undefined) {
        await this.#wait(nth + 1)
        continue
      }
      const waitSeconds = retryAfter(response)
      if (isLast || waitSeconds === undefined || sending.accept?.includes(response.status) === true)
        return this.#checked(response, sending)
      await response.body?.cancel()
      await this.#wait(waitSeconds)
    }
  }

  async #wait(seconds: number): Promise<void> {
    this.#io.trace(`rescind: waiting ${seconds} s before the next try`)
    const { interrupted } = this.#io
    await sleep(seconds * 1_000, undefined, { signal: interrupted }).catch(() => {
      throw new Interrupted()
    })
  }

  /** One request. Undefined: the connection broke, and the request can be repeated. */
  async #sent(sending: Sending, isLast: boolean): Promise<Response | undefined> {
    const { method, path } = sending
    const startMs = performance.now()
    const { url } = this.target
    const full = this.#urlOf(sending)
    const timeout = new AbortController()
    const late = (): void => timeout.abort(new DOMException('no answer in time', 'TimeoutError'))
    const timer = setTimeout(late, sending.timeoutMs ?? this.#timeoutMs).unref()
    try {
      const response = await fetch(full, {
        ...{ method, headers: this.#headersOf(sending), redirect: 'manual' },
        signal: AbortSignal.any([timeout.signal, this.#io.interrupted]),
        ...bodyOf(sending),
      })
      if (sending.isStream === true) clearTimeout(timer)
      if (sending.wholeMs !== undefined) setTimeout(late, sending.wholeMs).unref()
      this.#io.trace(`rescind: ${method} ${PREFIX}${path} ${response.status} ${since(startMs)} ms`)
      return response
    } catch (error) {
      this.#io.trace(`rescind: ${method} ${PREFIX}${path} no answer ${since(startMs)} ms`)
      if (this.#io.interrupted.aborted) throw new Interrupted()
      if (!isLast && isBroken(error) && !isRefusedConnection(error)) return undefined
      throw connectionFault(url, error) ?? error
    }
  }

  #urlOf({ path, query = {}, isOfStore = false }: Sending): URL {
    const { url, realm } = this.target
    const base = `${url.href.replace(/\/$/, '')}${PREFIX}`
    return requestUrl(base, path, { realm: isOfStore ? undefined : realm, ...query })
  }

  #headersOf({ json, body, ifMatch, idempotencyKey }: Sending): Record<string, string> {
    const type = json === undefined ? body?.type : 'application/json'
    return {
      authorization: `Bearer ${this.target.key}`,
      ...(type === undefined ? {} : { 'content-type': type }),
      ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    }
  }

  async #checked(response: Response, { accept = [] }: Sending): Promise<Response> {
    const { status, headers } = response
    const { url } = this.target
    if (status >= 300 && status < 400) {
      const to = headers.get('location') ?? 'elsewhere'
      throw new CommandFailed(`${url.origin} redirects to ${to}`, {
        next: 'the key is not sent there; if it is the server, give its URL by --url',
      })
    }
    if ((status >= 200 && status < 300) || accept.includes(status)) return response
    const text = await this.#read(response)
    if (headers.get('content-type')?.startsWith('application/problem+json') !== true) throw notRescind(url)
    const problem = parsed(text, url)
    throw new Refused(status, isObject(problem) ? problem : {})
  }
}

/** @throws WrongUse when --timeout is no number of seconds, or there is no key. */
export async function openClient(call: Call, io: Io): Promise<Client> {
  return new Client(await targetOf(call, io), io, timeoutOf(call))
}

/** Milliseconds. @throws WrongUse. */
export function timeoutOf(call: Call): number {
  const seconds = Number(call.text('timeout') ?? '30')
  if (!(seconds > 0 && seconds <= 86_400)) throw new WrongUse('--timeout: a number of seconds, up to 86400')
  return seconds * 1_000
}

function bodyOf({ json, body }: Sending): { body?: string | ReadableStream<Uint8Array>; duplex?: 'half' } {
  if (json !== undefined) return { body: JSON.stringify(json) }
  return body === undefined ? {} : { body: body.stream, duplex: 'half' }
}

function since(startMs: number): number {
  return Math.round(performance.now() - startMs)
}
