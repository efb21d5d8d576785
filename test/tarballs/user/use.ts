/** What a user without any framework writes: correct uses compile, wrong ones do not. */
import {
  type CheckResult,
  createTestVerifier,
  openVerifier,
  protectNode,
  type Verifier,
} from '@rescind/verifier'
import { protectExpress } from '@rescind/verifier/express'

export const verifier: Verifier = openVerifier({ url: 'https://rescind.example', key: 'k', onStale: 'ask' })
export const fromEnvironment: Verifier = openVerifier({
  url: 'https://rescind.example',
  key: process.env['KEY'],
})
export function subjectOf(result: CheckResult): string | undefined {
  // @ts-expect-error only an active token has a subject
  void result.subject
  return result.kind === 'active' ? result.subject : undefined
}
// @ts-expect-error a key is needed
openVerifier({ url: 'https://rescind.example' })
// @ts-expect-error there is no such policy
openVerifier({ url: 'https://rescind.example', key: 'k', onStale: 'guess' })
// @ts-expect-error a guard needs an audience
protectExpress(verifier, { scopes: ['read'] })
export const stop: () => void = verifier.onRevoked('token', (ended) => ended.why satisfies string)
export const world: ReturnType<typeof createTestVerifier> = createTestVerifier({ maxStalenessMs: 1_000 })

type Handler = ReturnType<typeof protectNode>
export const handler: Handler = protectNode(verifier, (request) => request.auth.scopes.includes('read'), {
  audience: 'orders',
})
/** For Connect and other callers of `(request, response, next)`, whose types are not installed here. */
export const middleware: ReturnType<typeof protectExpress> = protectExpress(verifier, { audience: 'any' })
