import type { Active } from '../results.ts'
import { decide, demandOf, type GuardOptions, type Judge } from './bearer.ts'

/** The parts of a Hono context that are used here; the real one fits. */
type Context = {
  readonly req: { readonly header: (name: string) => string | undefined }
  readonly set: (name: 'auth', value: Active) => void
}

/** For Hono: read the result with `c.get('auth')`. */
export function protectHono(
  judge: Judge,
  options: GuardOptions,
): (context: Context, next: () => Promise<void>) => Promise<Response | undefined> {
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
