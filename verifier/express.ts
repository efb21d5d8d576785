import type { IncomingMessage, ServerResponse } from 'node:http'
import { decide, demandOf, type GuardOptions, type Judge } from './guard/bearer.ts'
import { authorizationOf, type WithAuth, writeDenial } from './guard/node.ts'
import type { Active } from './results.ts'

declare global {
  // Express's own types merge what packages declare here; without them it declares nothing that anybody sees.
  namespace Express {
    interface Request {
      /** The verdict about the request's token, behind `protectExpress`. */
      auth?: Active
    }
  }
}

/** For Express 5, Connect and other callers of `(request, response, next)`: sets `request.auth`. */
export function protectExpress(
  judge: Judge,
  options: GuardOptions,
): (
  request: IncomingMessage & WithAuth,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void> {
  demandOf(options)
  return async (request, response, next) => {
    const decision = await decide(judge, authorizationOf(request), options)
    if (decision.kind === 'deny') {
      writeDenial(response, decision.denial)
      return
    }
    request.auth = decision.auth
    next()
  }
}
