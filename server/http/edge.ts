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
}

export type Answering = {
  readonly mount: Mount
  readonly request: NodeWireRequest
  readonly write: (answer: Answer) => void
  /** Whether the client left before its streamed body had come. */
  readonly brokeOff?: () => boolean
}

/** Where exceptions end: an outage becomes 503, a broken header 400 and a bug 500. */
export class Edge {
  readonly #parts: EdgeParts

  constructor(parts: EdgeParts) {
    this.#parts = parts
  }

  /** Writes an answer that is ready at once without a promise. */
  answer(answering: Answering): void {
    try {
      const answer = answering.mount.handle(answering.request)
      if (answer instanceof Promise) void this.#answerLater(answering, answer)
      else this.#finish(answering, answer)
    } catch (error) {
      this.#fail(answering, error)
    }
  }

  /**
   * Answers a request that is refused before routing. Metrics count these under one name, because the path cannot be
   * trusted.
   */
  refuse(exchange: Exchange, why: Refusal): void {
    const answer = refusalTo(exchange, why)
    this.#parts.metrics.answered('refused early', answer.status)
    writeAnswer(exchange.response, exchange.message, answer)
  }

  async #answerLater(answering: Answering, answer: Promise<Answer>): Promise<void> {
    try {
      this.#finish(answering, await answer)
    } catch (error) {
      this.#fail(answering, error)
    }
  }

  #finish({ mount, request, write }: Answering, answer: Answer): void {
    write(answer)
    const { metrics, denials } = this.#parts
    const route = mount.routeOf(request)
    const { status } = answer
    metrics.answered(route, status)
    if (status === 401 || status === 403) denials.note(route, status, request)
  }

  #fail(answering: Answering, error: unknown): void {
    const { mount, request, brokeOff } = answering
    // A streamed body broke off. The client has gone, so there is nothing to answer, and it is no failure of ours.
    if (brokeOff?.() === true) return
    const of = { route: mount.routeOf(request), from: request.from }
    const refusal = refusalOf(error, this.#parts.lines, of)
    this.#finish(answering, mount.refuse(refusal, request.path, request.accept))
  }
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
