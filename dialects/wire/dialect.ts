import type { Realm } from '@rescind/authority'
import { Overloaded } from '@rescind/core'
import type { Answer, Refusal, Stale } from './answer.ts'
import type { WireRequest } from './request.ts'

/** One wire dialect: what it answers, and how it words what the server has to refuse on its paths. */
export interface Dialect {
  readonly name: string
  /** Paths whose POSTs come by the thousand: the server may answer plain ones on its fast path. Answers there are whole. */
  readonly hotPaths: readonly string[]
  /**
   * Answers whatever a path of this dialect is asked, its own 404 and 405 included.
   * @throws StoreUnavailable, Overloaded: the server renders `refuse({ kind: 'outage' })`.
   */
  handle(realm: Realm, request: WireRequest): Promise<Answer>
  /**
   * @param path as in a request: some dialects have more than one way of saying no.
   * @param accept the Accept header, where a dialect writes in more than one format.
   */
  refuse(refusal: Refusal, path: string, accept?: string): Answer
  /**
   * The template of the route that a request takes, for logs and metrics: never a value out of the path.
   */
  routeOf(request: Pick<WireRequest, 'method' | 'path'>): string
}

/** How often a request is judged again when what it depends on is revoked under it; each time is a lost race. */
const ATTEMPTS_MAX = 8

/** Judges and writes until what was written still rested on what was judged. @throws Overloaded past the bound. */
export async function untilFresh(act: () => Answer | Stale | Promise<Answer | Stale>): Promise<Answer> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const answer = await act()
    if (answer !== 'stale') return answer
  }
  throw new Overloaded('what this request stands on kept changing')
}
