import type { Realm } from '@rescind/authority'
import { ordinalOf, type Position, seqOf } from '@rescind/core'
import { type Answer, type Refusal, type RouteWords, splitPath } from '@rescind/dialects'
import { problem, refusalProblem } from '../http/problem.ts'
import { CHECK_PREFIX } from '../http/wire.ts'
import { CHECK_PROFILES, type CheckProfile, PLAIN } from '../records/profiles.ts'
import { type CheckRequest, credentialOf } from './credential.ts'
import { type Decision, decide, demandOf } from './decide.ts'
import { identityHeaders, NOBODY } from './identity-headers.ts'
import type { Judge } from './judge.ts'

export type Check = {
  readonly handle: (realm: Realm, request: CheckRequest) => Promise<Answer>
  readonly refuse: (refusal: Refusal) => Answer
  readonly routeOf: (request: Pick<CheckRequest, 'path'>) => string
}

/**
 * Forward authentication: 200 lets a request through, 401 and 403 refuse it, 503 means that the state is unknown. Only the
 * credential is judged: gateways forward any request that they get, and treat every other status as a failure.
 * Method, query, body and other headers change nothing, and there is no redirect, 204, 400, 413 or 429.
 */
export function createCheck(judge: Judge): Check {
  return {
    handle: async (realm, request) => {
      const name = profileNameOf(request.path)
      const profile = name === undefined ? PLAIN : (await realm.directory.get(CHECK_PROFILES, name))?.value
      if (profile === undefined) return NO_PROFILE
      const presented = credentialOf(request, profile.credential)
      if (presented.kind === 'none') return NO_CREDENTIAL
      if (presented.kind === 'unusable') return DENIED
      const { text } = presented
      // Read before judging: a later position would promise that revocations up to it were heeded.
      const judgedAt = realm.position()
      const acceptor = { by: 'check', name: name ?? '' } as const
      const decision = await decide(judge, { realm, text, demand: demandOf(profile), acceptor })
      return render(decision, { judgedAt, profile })
    },
    refuse,
    routeOf: ({ path }) => (profileNameOf(path) === undefined ? CHECK_PREFIX : WITH_PROFILE),
  }
}

/** A malformed request presents no acceptable credential. */
function refuse(refusal: Refusal): Answer {
  return refusal.kind === 'malformed' ? DENIED : ofNobody(refusalProblem(refusal))
}

type Decided = { readonly judgedAt: Position; readonly profile: CheckProfile }

function render(decision: Decision, { judgedAt, profile }: Decided): Answer {
  switch (decision.kind) {
    case 'allow': {
      const headers = {
        'cache-control': `private, max-age=${profile.maxAgeSeconds}`,
        'x-revocation-epoch': `${ordinalOf(judgedAt)}.${seqOf(judgedAt)}`,
        ...identityHeaders(decision.bearer),
      }
      return { status: 200, headers, body: '' }
    }
    case 'deny':
      return DENIED
    case 'insufficient':
      return INSUFFICIENT
    case 'unknown':
      return refuse({ kind: 'outage' })
  }
}

/**
 * The segment directly after `/check/p/`. A gateway may append its caller's path to it, which must not choose the profile.
 * @returns undefined without one; the empty name matches no profile.
 */
function profileNameOf(path: string): string | undefined {
  if (path !== MARKED && !path.startsWith(`${MARKED}/`)) return undefined
  const [name = ''] = path.slice(MARKED.length + 1).split('/', 1)
  return splitPath(`/${name}`)?.[0] ?? ''
}

const MARKED = `${CHECK_PREFIX}/p`
const WITH_PROFILE = `${MARKED}/{profile}`

/** In the words of the manual. */
export const CHECK_ROUTES: Readonly<Record<string, RouteWords & { readonly what: string }>> = {
  [CHECK_PREFIX]: {
    what: 'whether a credential is accepted, by the plain profile',
    caller: 'whoever bears a credential',
    statuses: [200, 401, 403],
  },
  [WITH_PROFILE]: {
    what: 'the same by a profile of this name; what stands behind it is ignored',
    caller: 'whoever bears a credential',
    statuses: [200, 401, 403, 404],
  },
}

// RFC 6750 §3.1: a request without a credential gets no error code. All refusals with a credential share one answer.
const NO_CREDENTIAL: Answer = challenge(401, 'a credential is needed', '')
const DENIED: Answer = challenge(401, 'the credential is not accepted', ', error="invalid_token"')
const INSUFFICIENT: Answer = challenge(
  403,
  'the credential lacks a required scope',
  ', error="insufficient_scope"',
)
const NO_PROFILE: Answer = ofNobody(problem(404, 'no such profile'))

function challenge(status: 401 | 403, detail: string, error: string): Answer {
  return ofNobody(problem(status, detail, { 'www-authenticate': `Bearer realm="rescind"${error}` }))
}

/** Clears the identity headers. A gateway that also copies headers from a refusal would otherwise keep its caller's. */
function ofNobody(answer: Answer): Answer {
  return { ...answer, headers: { ...answer.headers, ...NOBODY } }
}
