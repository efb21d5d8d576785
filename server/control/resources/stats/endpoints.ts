import { jsonAnswer } from '@rescind/dialects'
import { type Problem, problem } from '../../../http/problem.ts'
import { type Ask, type Endpoint, endpoint } from '../../frame/endpoint.ts'
import { FRESH_MS } from './stats.ts'
import { STATS, type StatsJson } from './stats-json.ts'
import { StatsStream } from './stats-stream.ts'

const READ: Endpoint = endpoint({
  method: 'GET',
  path: '/stats',
  operation: 'readStats',
  summary: "A realm's numbers, and those of the node that answers, each with its window",
  role: 'viewer',
  answers: { 200: { what: 'The numbers, at most a second old', schema: STATS } },
  handle: async (ask) => jsonAnswer(200, await statsFor(ask)),
})

const FOLLOW: Endpoint = endpoint({
  method: 'GET',
  path: '/stats/events',
  operation: 'followStats',
  summary: 'The same once a second, until the caller leaves or its key ends',
  role: 'viewer',
  answers: { 200: { what: 'stats again and again, then end', type: 'text/event-stream' } },
  handle: async (ask) => {
    const { parts, realm, by } = ask
    const attach = parts.feed.follow(
      realm,
      by.caller,
      (sink) => new StatsStream({ read: () => statsFor(ask) }, sink, FRESH_MS),
    )
    return attach === undefined ? FULL : { status: 200, headers: STREAM_HEADERS, body: { attach } }
  },
})

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
}

const FULL: Problem = problem(429, 'this key or this realm follows too many streams; close some first', {
  'retry-after': '5',
})

/** What a node does is about all realms, so a key of one realm is not told. */
async function statsFor({ parts, realm, by }: Pick<Ask, 'parts' | 'realm' | 'by'>): Promise<StatsJson> {
  const { at, cluster } = await parts.stats.read(realm)
  const node = by.realm === undefined ? { node: parts.stats.node() } : {}
  return { at, realm: realm.name, cluster, ...node }
}

export const STATS_ENDPOINTS: readonly Endpoint[] = [READ, FOLLOW]
