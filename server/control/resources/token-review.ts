import type { Demand } from '@rescind/core'
import { type Answer, jsonAnswer } from '@rescind/dialects'
import { z } from 'zod'
import { type Decision, decide, demandOf } from '../../gateway/decide.ts'
import { judgeAny } from '../../gateway/judge.ts'
import { problem, refusalProblem } from '../../http/problem.ts'
import { CHECK_PROFILES, type CheckProfile, PLAIN } from '../../records/profiles.ts'
import { nameOfKey } from '../frame/by.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { reviewUser } from './review-user.ts'

const VERSIONS = ['authentication.k8s.io/v1', 'authentication.k8s.io/v1beta1'] as const
const AUDIENCES_MAX = 64

/** Loose, because API servers also send members (`metadata`, `status`) that are not used here. */
const REVIEW = z.looseObject({
  apiVersion: z.enum(VERSIONS),
  kind: z.literal('TokenReview'),
  spec: z.looseObject({
    // No length limit beyond the body's: overlong text is judged as no token, as everywhere.
    token: z.string(),
    audiences: z.array(z.string().max(512)).max(AUDIENCES_MAX).optional(),
  }),
})
type Review = z.output<typeof REVIEW>

const STATUS = z.object({
  authenticated: z.boolean(),
  user: z
    .object({
      username: z.string(),
      uid: z.string(),
      groups: z.array(z.string()),
      extra: z.record(z.string(), z.array(z.string())),
    })
    .optional(),
  audiences: z.array(z.string()).optional(),
})
/** API servers send how long they wait, which is not used here. */
const QUERY = z.object({ profile: z.string().max(64).optional(), timeout: z.string().max(16).optional() })

/**
 * The verdict as a Kubernetes TokenReview webhook. An API server asks with a verifier's key. A profile adds demands beyond
 * a live token; its credential location is ignored here.
 */
export const TOKEN_REVIEW: Endpoint = endpoint({
  method: 'POST',
  path: '/token-review',
  operation: 'reviewToken',
  summary: 'Judge a token for a Kubernetes API server (TokenReview)',
  role: 'viewer',
  callers: ['control', 'verifier'],
  rateClass: 'read',
  idempotency: 'own',
  query: QUERY,
  body: REVIEW,
  answers: {
    200: {
      what: 'The review, its status filled in',
      schema: z.object({ apiVersion: z.string(), kind: z.string(), status: STATUS }),
    },
  },
  problems: [404],
  handle: async (ask) => {
    const { profile: name } = ask.query
    if (name === undefined) return review(ask, PLAIN)
    const entry = await ask.realm.directory.get(CHECK_PROFILES, name)
    return entry === undefined ? problem(404, 'no such profile') : review(ask, entry.value)
  },
})

type Asked = Pick<Ask<unknown, Review>, 'parts' | 'realm' | 'by' | 'body'>

async function review({ parts, realm, by, body }: Asked, profile: CheckProfile): Promise<Answer> {
  const { token, audiences } = body.spec
  // The API server's audiences override those of the profile, which are for servers that send none.
  const demand = { ...demandOf(profile), ...(audiences?.length ? { audience: audiences } : {}) }
  const acceptor = { by: 'review', name: nameOfKey(realm, by) } as const
  const decision = await decide(judgeAny(parts.keySets), { realm, text: token, demand, acceptor })
  // An error makes the API server try again, or ask another authenticator.
  return decision.kind === 'unknown'
    ? refusalProblem({ kind: 'outage' })
    : rendered(body, statusOf(decision, demand.audience))
}

type Status = z.output<typeof STATUS>

function rendered({ apiVersion }: Review, status: Status): Answer {
  return jsonAnswer(200, { apiVersion, kind: 'TokenReview', status })
}

const REFUSED: Status = { authenticated: false }

function statusOf(decision: Decision, wanted: Demand['audience']): Status {
  if (decision.kind !== 'allow') return REFUSED
  const { bearer } = decision
  const user = reviewUser(bearer)
  if (user === undefined) return REFUSED
  const met = bearer.audience?.filter((one) => wanted !== 'any' && wanted.includes(one)) ?? []
  // A review that names no audience is for the API server itself.
  return { authenticated: true, user, ...(met.length === 0 ? {} : { audiences: met }) }
}
