import type { Realm } from '@rescind/authority'
import { acknowledgesUnless, type Dialect, untilFresh } from '../wire/dialect.ts'
import type { WireRequest } from '../wire/request.ts'
import { allowOf } from '../wire/router.ts'
import { Scans } from '../wire/scans.ts'
import { WrongKeys } from '../wire/wrong-keys.ts'
import { CHAT_BOUNDS, type ChatBounds } from './bounds.ts'
import { refusal } from './envelope.ts'
import { type AskExternal, ExternalVerifier } from './external-verification.ts'
import { type LivePort, LiveStreams } from './live/streams.ts'
import { ChatRates } from './rates.ts'
import { createRoutes } from './routes.ts'

export type ChatOptions = {
  /** Default calls per minute of an app's API key; absent or 0: no limit. */
  readonly requestsPerMinute?: number
  /** Sends requests to verify URLs; absent: none are sent. */
  readonly askExternal?: AskExternal
  /** Absent: no streams of ended tokens. */
  readonly live?: LivePort
  readonly bounds?: Partial<ChatBounds>
  /** The process's room for reads of many records; absent: the dialect has its own. */
  readonly scans?: Scans
}

export type ChatDialect = Dialect & {
  /** Ends the open streams when the server stops. */
  readonly close: () => void
}

/** The dialect of the chat server's administration API (seed 000): clients and their access tokens. */
export function createChatDialect(options: ChatOptions): ChatDialect {
  const bounds = { ...CHAT_BOUNDS, ...options.bounds }
  const rates = new ChatRates(options.requestsPerMinute ?? 0)
  const { askExternal } = options
  const external =
    askExternal === undefined ? undefined : new ExternalVerifier(askExternal, { rates, bounds })
  const live = options.live === undefined ? undefined : new LiveStreams(options.live, bounds)
  const scans = options.scans ?? new Scans()
  const routed = createRoutes({ rates, wrongKeys: new WrongKeys(), bounds, scans, external, live })
  const routeOf: Dialect['routeOf'] = (request) => {
    const route = routed(request)
    return route.kind === 'endpoint' ? route.endpoint.template : 'none'
  }
  return {
    name: 'chat',
    hotPaths: [],
    async handle(realm: Realm, request: WireRequest) {
      const route = routed(request)
      if (route.kind === 'malformed') return refusal({ kind: 'malformed', detail: 'The path is malformed.' })
      if (route.kind === 'not-found') return refusal({ kind: 'not-found' })
      const method = route.endpoint.methods.get(request.method)
      if (method === undefined) return refusal({ kind: 'method', allow: allowOf(route.endpoint) })
      return await untilFresh(() => method.handler(realm, request, route.client))
    },
    refuse: refusal,
    routeOf,
    acknowledges: acknowledgesUnless(JUDGING_OR_ISSUING, routeOf),
    close: () => live?.close(),
  }
}

const JUDGING_OR_ISSUING: ReadonlySet<string> = new Set([
  'POST /auths/sign',
  'POST /auths/sign/v2',
  'POST /badges',
  'POST /sign',
  'POST /verify',
])
