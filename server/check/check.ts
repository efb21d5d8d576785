import { type Awaitable, after, ordinalOf, type Realm, seqOf } from '@rescind/core'
import { type Answer, splitPath, type WireRequest } from '@rescind/dialects'
import { problem, refusalProblem } from '../control/frame/problem.ts'
import { credentialOf } from './credential.ts'
import { type Decision, decide, demandOf } from './decide.ts'
import { identityHeaders } from './identity-headers.ts'
import type { Judge } from './judge.ts'
import { CHECK_PROFILES, type CheckProfile, PLAIN } from './profiles.ts'

/** Where gateways ask; whatever they append is not looked at, and neither are query and body. */
export const CHECK_PREFIX = '/check'

export type Check = {
  readonly handle: (realm: Realm, request: WireRequest) => Awaitable<Answer>
  readonly refuse: typeof refusalProblem
  readonly routeOf: (request: Pick<WireRequest, 'path'>) => string
}

/**
 * Forward authentication: 200 lets a request through, 401 and 403 do not, 503 cannot tell. Every method is answered
 * alike, for gateways send on whatever they were asked; there is no redirect, no 204 and no 429.
 */
export function createCheck(judge: Judge): Check {
  return {
    handle: (realm, request) => {
      const name = profileNameOf(request.path)
      if (name === undefined) return check(judge, { realm, request, profile: PLAIN })
      return after(realm.directory.get(CHECK_PROFILES, name), (entry) =>
        entry === undefined ? NO_PROFILE : check(judge, { realm, request, profile: entry.value }),
      )
    },
    refuse: refusalProblem,
    routeOf: ({ path }) => (profileNameOf(path) === undefined ? CHECK_PREFIX : `${CHECK_PREFIX}/p/{profile}`),
  }
}

type Asked = { readonly realm: Realm; readonly request: WireRequest; readonly profile: CheckProfile }

function check(judge: Judge, { realm, request, profile }: Asked): Awaitable<Answer> {
  const text = credentialOf(request, profile.credential)
  if (text === undefined) return NO_CREDENTIAL
  return after(decide(judge, { realm, text, demand: demandOf(profile) }), (decision) =>
    render(decision, { realm, profile }),
  )
}

function render(decision: Decision, { realm, profile }: Omit<Asked, 'request'>): Answer {
  switch (decision.kind) {
    case 'allow': {
      const at = realm.basis()
      const headers = {
        'cache-control': `private, max-age=${profile.maxAgeSeconds}`,
        'x-revocation-epoch': `${ordinalOf(at)}.${seqOf(at)}`,
        ...identityHeaders(decision.bearer),
      }
      return { status: 200, headers, body: '' }
    }
    case 'deny':
      return DENIED
    case 'insufficient':
      return INSUFFICIENT
    case 'unknown':
      return refusalProblem({ kind: 'outage' })
  }
}

/**
 * Only what stands right behind `/check/p/`: whatever a gateway appends to that is its caller's text, and must not be
 * able to choose. @returns undefined without one; an empty name is that of no profile.
 */
function profileNameOf(path: string): string | undefined {
  if (path !== MARKED && !path.startsWith(`${MARKED}/`)) return undefined
  const [name = ''] = path.slice(MARKED.length + 1).split('/', 1)
  return splitPath(`/${name}`)?.[0] ?? ''
}

const MARKED = `${CHECK_PREFIX}/p`

// RFC 6750 §3.1: who presents nothing is told no error code. Nobody is told more than the code (hence one answer for all).
const NO_CREDENTIAL: Answer = problem(401, 'a credential is needed', {
  'www-authenticate': 'Bearer realm="rescind"',
})
const DENIED: Answer = problem(401, 'the credential is not accepted', {
  'www-authenticate': 'Bearer realm="rescind", error="invalid_token"',
})
const INSUFFICIENT: Answer = problem(403, 'the credential does not reach this far', {
  'www-authenticate': 'Bearer realm="rescind", error="insufficient_scope"',
})
const NO_PROFILE: Answer = problem(404, 'no such profile')
