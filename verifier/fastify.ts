import type { FastifyRequest } from 'fastify'
import { decide, demandOf, type GuardOptions, type Judge } from './guard/bearer.ts'
import { authorizationOf, type Headers } from './guard/node.ts'
import type { Active } from './results.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The verdict about the request's token, behind `protectFastify`. */
    auth?: Active
  }
}

/** The parts of a Fastify 5 request and reply that are used here; the real ones fit, of HTTP/2 too. */
type Request = Headers & { readonly raw?: Headers } & Pick<FastifyRequest, 'auth'>
type Reply = {
  readonly code: (status: number) => unknown
  readonly headers: (values: Record<string, string>) => unknown
  readonly send: (body: unknown) => unknown
}

/** For Fastify 5, as an `onRequest` or `preHandler` hook: sets `request.auth`. */
export function protectFastify(
  judge: Judge,
  options: GuardOptions,
): (request: Request, reply: Reply) => Promise<unknown> {
  demandOf(options)
  return async (request, reply) => {
    const decision = await decide(judge, authorizationOf(request.raw ?? request), options)
    if (decision.kind === 'pass') {
      request.auth = decision.auth
      return undefined
    }
    const { status, headers, body } = decision.denial
    reply.code(status)
    reply.headers({ ...headers })
    reply.send(body)
    // Fastify stops once a hook has sent its reply.
    return reply
  }
}
