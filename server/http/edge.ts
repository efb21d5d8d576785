import type { ServerResponse } from 'node:http'
import type { Nodes } from '@rescind/authority'
import { isOutage, NotReadable, RealmOutOfOrder } from '@rescind/core'
import type { Answer, Refusal } from '@rescind/dialects'
import type { Metrics } from '../machine/metrics.ts'
import type { Denials } from './denials.ts'
import { type Exchange, refusalTo } from './exchange.ts'
import type { Mount } from './mounts.ts'
import { StreamTooLarge } from './read-body.ts'
import { writeAnswer } from './reply.ts'
import type { RequestLines } from './request-lines.ts'
import { HeaderMalformed, type NodeWireRequest } from './wire.ts'

export type EdgeParts = {
  readonly metrics: Metrics
  readonly denials: Denials
  readonly lines: RequestLines
  readonly monotonicMs: () => number
  /** Of a shared store. */
  readonly nodes?: Nodes | undefined
}

export type Answering = {
  readonly mount: Mount
  readonly request: NodeWireRequest
  readonly write: (answer: Answer) => void
  /** Whether the client left before its streamed body had come. */
  readonly brokeOff?: () => boolean
  /** What an answer is written to that may be a stream. */
  readonly response?: ServerResponse
}

/** Where exceptions end: an outage becomes 503, a broken header 400 and a bug 500. */
export class Edge {
  readonly #parts: EdgeParts
  /** Answers on a shared store that do not end by themselves. */
  readonly #streams: Set<ServerResponse> = new Set()

  constructor(parts: EdgeParts) {
    this.#parts = parts
    parts.nodes?.onSilent(() => {
      for (const response of this.#streams) response.destroy()
    })
  }

  /**
   * Writes an answer that is ready at once without a promise. Another process on the same store may have revoked what this
   * request presents, so it is judged only while this node is known to have heard of that.
   */
  answer(answering: Answering): void {
    const beganMs = this.#parts.monotonicMs()
    const { nodes } = this.#parts
    if (nodes !== undefined && !nodes.isFresh && answering.mount.judgesNothing !== true) {
      void this.#answerLater(
        answering,
        beganMs,
        nodes.fresh().then(() => answering.mount.handle(answering.request)),
      )
      return
    }
    try {
      const answer = answering.mount.handle(answering.request)
      if (answer instanceof Promise) void this.#answerLater(answering, beganMs, answer)
      else this.#finish(answering, beganMs, answer)
    } catch (error) {
      this.#fail(answering, beganMs, error)
    }
  }

  /**
   * Answers a request that is refused before routing. Metrics count these under one name, because the path cannot be
   * trusted.
   */
  refuse(exchange: Exchange, why: Refusal): void {
    const answer = refusalTo(exchange, why)
    this.#parts.metrics.answered('refused early', answer.status, undefined)
    writeAnswer(exchange.response, exchange.message, answer)
  }

  async #answerLater(answering: Answering, beganMs: number, answer: Promise<Answer>): Promise<void> {
    try {
      this.#finish(answering, beganMs, await answer)
    } catch (error) {
      this.#fail(answering, beganMs, error)
    }
  }

  #finish({ mount, request, write, response }: Answering, beganMs: number, answer: Answer): void {
    write(answer)
    if (this.#parts.nodes !== undefined && response !== undefined && isStream(answer)) this.#hold(response)
    const { metrics, denials } = this.#parts
    const route = mount.routeOf(request)
    const { status } = answer
    metrics.answered(route, status, beganMs)
    if (status === 401 || status === 403) denials.note(route, status, request)
  }

  #hold(response: ServerResponse): void {
    if (response.destroyed) return
    this.#streams.add(response)
    response.once('close', () => this.#streams.delete(response))
  }

  #fail(answering: Answering, beganMs: number, error: unknown): void {
    const { mount, request, brokeOff } = answering
    // A streamed body broke off. The client has gone, so there is nothing to answer, and it is no failure of ours.
    if (brokeOff?.() === true) return
    const of = { route: mount.routeOf(request), from: request.from }
    const refusal = refusalOf(error, this.#parts.lines, of)
    this.#finish(answering, beganMs, mount.refuse(refusal, request.path, request.accept))
  }
}

function isStream({ body }: Answer): boolean {
  return typeof body !== 'string' && !(body instanceof Uint8Array)
}

type Failed = { readonly route: string; readonly from: string }

function refusalOf(error: unknown, lines: RequestLines, of: Failed): Refusal {
  if (error instanceof HeaderMalformed) return { kind: 'malformed', detail: error.message }
  if (error instanceof StreamTooLarge) return { kind: 'too-large' }
  if (isOutage(error)) {
    lines.write('warn', { ...of, reason: error.message, cause: reasonOf(error.cause) }, 'could not answer')
    const lasts = error instanceof RealmOutOfOrder || error instanceof NotReadable
    return lasts ? { kind: 'outage', advice: error.message } : { kind: 'outage' }
  }
  // Log only what the code itself says about the failure: a request's contents never reach the log.
  const text = error instanceof Error ? error.stack : String(error)
  lines.write('error', { ...of, error: text }, 'failed to answer')
  return { kind: 'bug' }
}

function reasonOf(cause: unknown): string | undefined {
  return cause instanceof Error ? cause.message : undefined
}
