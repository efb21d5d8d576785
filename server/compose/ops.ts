import type { Realms } from '@rescind/authority'
import { type Answer, jsonAnswer, type RouteWords, type WireRequest } from '@rescind/dialects'
import { callerOf } from '../control/frame/callers.ts'
import type { KeyGuesses } from '../control/frame/key-guesses.ts'
import { isAnswer, type Problem, problem, refusalProblem } from '../http/problem.ts'
import type { Metrics } from '../machine/metrics.ts'
import { Probe } from '../machine/probe.ts'
import type { Trouble } from '../machine/troubles.ts'

export type OpsParts = {
  readonly realms: Realms
  readonly metrics: Metrics
  readonly metricsOpen: boolean
  readonly guesses: KeyGuesses
  readonly monotonicMs: () => number
  readonly troubles: () => readonly Trouble[]
  /** Whether the server is unready when something is out of order. If not, it is ready and names the trouble. */
  readonly readyStrict: boolean
}
type Handler = (request: WireRequest) => Promise<Answer>

type OpsPath = '/healthz' | '/readyz' | '/metrics'

/** Paths that are about the process itself, in the words of the manual. */
export const OPS_ROUTES: Readonly<Record<OpsPath, RouteWords & { readonly what: string }>> = {
  '/healthz': { what: 'that the process answers', caller: 'anybody', statuses: [200] },
  '/readyz': {
    what: 'whether the store took an empty write within the last second (on PostgreSQL also a heartbeat), and what is out of order',
    caller: 'anybody',
    statuses: [200, 503],
  },
  '/metrics': {
    what: 'Prometheus text, without ids',
    caller: 'a control key of all realms, of any role; anybody with `--metrics-open`',
    statuses: [200, 401, 403, 429],
  },
}

export const OPS_PATHS: readonly string[] = Object.keys(OPS_ROUTES)

/** `/healthz`: the process answers. `/readyz`: the store takes writes. `/metrics`: Prometheus text, without ids. */
export function createOps(parts: OpsParts): ReadonlyMap<string, Handler> {
  const { realms, metrics, metricsOpen } = parts
  const probe = new Probe(realms.ledger, parts.monotonicMs)
  const measures: Handler = (request) =>
    metricsOpen ? scrape(metrics) : withKey(parts, request, () => scrape(metrics))
  const handlers: Readonly<Record<OpsPath, Handler>> = {
    '/healthz': async () => jsonAnswer(200, { status: 'ok' }),
    '/readyz': () => ready(parts, probe),
    '/metrics': measures,
  }
  return new Map(Object.entries(handlers).map(([path, handler]) => [path, reading(handler)]))
}

function reading(handler: Handler): Handler {
  return async (request) => {
    const reads = request.method === 'GET' || request.method === 'HEAD'
    return reads ? handler(request) : refusalProblem({ kind: 'method', allow: 'GET, HEAD' })
  }
}

/**
 * Also brings back a store that has failed, because the probe tries a write. One realm that is out of order does not
 * make the server unready unless it is set to be strict: the other realms need it.
 * @throws StoreUnavailable: 503.
 */
async function ready({ realms, troubles, readyStrict }: OpsParts, probe: Probe): Promise<Answer> {
  await probe.ask()
  await realms.nodes?.fresh()
  const found = troubles()
  if (found.length === 0) return jsonAnswer(200, { status: 'ready' })
  return jsonAnswer(readyStrict ? 503 : 200, { status: 'degraded', troubles: found })
}

async function withKey(
  { realms, guesses }: OpsParts,
  request: WireRequest,
  next: () => Promise<Answer>,
): Promise<Answer> {
  const presented = { authorization: request.header('authorization'), from: request.from, guesses }
  const by = await callerOf(realms, presented)
  if (by !== undefined && isAnswer(by)) return by
  // The numbers are about all realms, and a realm's own key learns of no other.
  if (by?.kind === 'control') return by.realm === undefined ? next() : ONE_REALM
  return problem(401, 'a control key is needed (or start with --metrics-open)', {
    'www-authenticate': 'Bearer realm="rescind"',
  })
}

const ONE_REALM: Problem = problem(403, 'this needs a key of all realms: the numbers are about all of them')

async function scrape(metrics: Metrics): Promise<Answer> {
  const headers = { 'content-type': metrics.contentType, 'cache-control': 'no-store' }
  return { status: 200, headers, body: await metrics.text() }
}
