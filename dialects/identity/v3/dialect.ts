import type { Answer } from '../../wire/answer.ts'
import { splitPath } from '../../wire/path.ts'
import { allowOf } from '../../wire/router.ts'
import type { Call } from '../call.ts'
import { withRequestId } from '../request-id.ts'
import { allowed, malformed, overLimit, refusalAnswer } from './answers.ts'
import { V3_ROUTER } from './routes.ts'

const VERSION_PATH = '/v3'

export function isV3(path: string): boolean {
  return path === VERSION_PATH || path.startsWith('/v3/')
}

/** Answers every request below /v3. `waitSeconds` takes from the caller's rate limit and returns the seconds to wait. */
export async function handleV3(call: Call, waitSeconds: () => number): Promise<Answer> {
  return withRequestId(call.realm, await answered(call, waitSeconds))
}

function answered(call: Call, waitSeconds: () => number): Answer | Promise<Answer> {
  const { request } = call
  const segments = splitPath(request.path)
  if (segments === undefined) return malformed('The path cannot be read.')
  const matched = V3_ROUTER.match(segments)
  if (matched === undefined) return refusalAnswer({ kind: 'not-found' })
  const { route, values } = matched
  const method = route.methods.get(request.method)
  if (method === undefined) {
    const allow = `${allowOf(route)}, OPTIONS`
    return request.method === 'OPTIONS' ? allowed(allow) : refusalAnswer({ kind: 'method', allow })
  }
  // The version document is not rate-limited: it is public and cheap.
  const wait = route.template === VERSION_PATH ? 0 : waitSeconds()
  return wait > 0 ? overLimit(wait) : method.handler(call, values)
}

export function templateOfV3(path: string): string {
  const segments = splitPath(path)
  return (segments === undefined ? undefined : V3_ROUTER.match(segments))?.route.template ?? '/v3/*'
}
