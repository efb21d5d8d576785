import { login } from './login.ts'
import { revoke } from './revoke.ts'
import { type Handler, type Matched, type Method, type Route, Router } from './router.ts'
import { validate } from './validate.ts'
import { version, versions } from './versions.ts'

const ROUTES: readonly Route[] = [
  open('/', { GET: versions, HEAD: versions }),
  open('/v2.0', { GET: version, HEAD: version }),
  route('/v2.0/tokens', { DELETE: silent((call) => revoke(call, undefined)), POST: login }),
  route('/v2.0/tokens/{tokenId}', {
    DELETE: silent((call, [id]) => revoke(call, id)),
    GET: validate,
    HEAD: validate,
  }),
]

const ROUTER: Router = new Router(ROUTES)

/** The route of a path that was split and decoded: what a handler is given is what was matched. */
export function matchRoute(segments: readonly string[]): Matched | undefined {
  return ROUTER.match(segments)
}

type Given = Readonly<Record<string, Handler | Method>>

function route(template: string, given: Given, isRateLimited = true): Route {
  const methods = Object.entries(given).map(([method, handler]): [string, Method] => [
    method,
    typeof handler === 'function' ? { handler, hasBody: true } : handler,
  ])
  return { template, methods: new Map(methods), isRateLimited }
}

function open(template: string, given: Given): Route {
  return route(template, given, false)
}

/** A method whose good answer has no body. */
function silent(handler: Handler): Method {
  return { handler, hasBody: false }
}
