import type { MiddlewareHandler } from 'hono'
import { decide, demandOf, type GuardOptions, type Judge } from './guard/bearer.ts'
import type { Active } from './results.ts'

/** For Hono 4: the handlers behind it read the verdict with `c.get('auth')`. */
export function protectHono(
  judge: Judge,
  options: GuardOptions,
): MiddlewareHandler<{ Variables: { auth: Active } }> {
  demandOf(options)
  return async (context, next) => {
    const decision = await decide(judge, context.req.header('authorization'), options)
    if (decision.kind === 'pass') {
      context.set('auth', decision.auth)
      await next()
      return undefined
    }
    const { status, headers, body } = decision.denial
    return new Response(JSON.stringify(body), {
      status,
      headers: { ...headers, 'content-type': 'application/json' },
    })
  }
}
