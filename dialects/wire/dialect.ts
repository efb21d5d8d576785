import type { Realm } from '@rescind/authority'
import { Overloaded } from '@rescind/core'
import type { Answer, Refusal, Stale } from './answer.ts'
import type { WireRequest } from './request.ts'

/** One wire dialect: how it answers its paths, and how it words the refusals of the server on them. */
export interface Dialect {
  readonly name: string
  /** Paths with heavy POST traffic, which the server may answer on its fast path. Their answers are never streamed. */
  readonly hotPaths: readonly string[]
  /**
   * Answers every request below this dialect's paths, including its own 404 and 405.
   * @throws StoreUnavailable, Overloaded: the server renders `refuse({ kind: 'outage' })`.
   */
  handle(realm: Realm, request: WireRequest): Promise<Answer>
  /**
   * @param path as in a request: some dialects word a refusal differently by path.
   * @param accept the Accept header, for dialects that write more than one format.
   */
  refuse(refusal: Refusal, path: string, accept?: string): Answer
  /** The template of the route that a request takes, for logs and metrics. It holds no value from the path. */
  routeOf(request: Pick<WireRequest, 'method' | 'path'>): string
  /** Whether a good answer acknowledges a revocation or a changed record. */
  acknowledges(request: Pick<WireRequest, 'method' | 'path'>): boolean
}

/** RFC 9110 §9.2.1, without TRACE, which nothing here answers. */
export function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}

/**
 * Every unsafe call acknowledges something, unless the dialect knows better.
 * @param others calls that only judge or issue, as `POST /template`.
 */
export function acknowledgesUnless(
  others: ReadonlySet<string>,
  routeOf: Dialect['routeOf'],
): Dialect['acknowledges'] {
  return (request) => !isSafe(request.method) && !others.has(`${request.method} ${routeOf(request)}`)
}

/** Attempts to judge a request whose dependencies keep being revoked meanwhile. Each attempt is one lost race. */
const ATTEMPTS_MAX = 8

/** Repeats judging and writing until no dependency changed in between. @throws Overloaded after ATTEMPTS_MAX attempts. */
export async function untilFresh(act: () => Answer | Stale | Promise<Answer | Stale>): Promise<Answer> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const answer = await act()
    if (answer !== 'stale') return answer
  }
  throw new Overloaded('what this request depends on kept changing: try again')
}
