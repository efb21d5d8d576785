import type { Realm } from '@rescind/core'
import { type Dialect, untilFresh } from '../wire/dialect.ts'
import type { WireRequest } from '../wire/request.ts'
import { refusal } from './envelope.ts'
import { routeOf } from './routes.ts'

/** Nothing can be chosen yet: what the seed leaves open is decided in the files of this folder. */
export type ChatOptions = Readonly<Record<string, never>>

/** The dialect of the chat server's administration (seed 000): clients and the access tokens they hold. */
export function createChatDialect(_options: ChatOptions): Dialect {
  return {
    name: 'chat',
    hotPaths: [],
    handle(realm: Realm, request: WireRequest) {
      const route = routeOf(request)
      if (route.kind === 'malformed') return refusal({ kind: 'malformed', detail: 'The path is malformed.' })
      if (route.kind === 'not-found') return refusal({ kind: 'not-found' })
      const { methods } = route.endpoint
      const handler = methods.get(request.method)
      if (handler === undefined) return refusal({ kind: 'method', allow: [...methods.keys()].join(', ') })
      return untilFresh(() => handler(realm, request, route.client))
    },
    refuse: refusal,
    routeOf(request) {
      const route = routeOf(request)
      return route.kind === 'endpoint' ? route.endpoint.template : 'none'
    },
  }
}
