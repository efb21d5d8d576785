import {
  type Answer,
  IDENTITY_USERS,
  type IdentityLogin,
  identityLoginsOf,
  type Stale,
} from '@rescind/dialects'
import { z } from 'zod'
import { type Problem, problem } from '../../http/problem.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { ACT_MEMBERS, REVOKE_ANSWERS, recovered, revoke } from './rules/revocations.ts'
import { RULE_MEMBERS } from './rules/target-schema.ts'

const { reason, note } = RULE_MEMBERS

const BODY = z
  .strictObject({
    ...{ reason, note },
    password: z
      .boolean()
      .optional()
      .describe('Its password ends, too: it cannot log in until it has another'),
    secondFactors: z
      .boolean()
      .optional()
      .describe('Its second factors end, too; only with the password, which alone would let in afterwards'),
    ...ACT_MEMBERS,
  })
  .meta({ id: 'EndRequest' })
type Body = z.output<typeof BODY>

/** `POST /identity-users/{userId}/end`: the rule over the user, and what it logs in by, in one write. */
export const END_IDENTITY_USER: Endpoint = endpoint({
  method: 'POST',
  path: '/identity-users/{userId}/end',
  operation: 'endIdentityUser',
  summary:
    'End all tokens, the API key and the application credentials of a user, on request its password and second factors',
  role: 'responder',
  rateClass: 'revoke',
  body: BODY,
  answers: REVOKE_ANSWERS,
  handle: end,
  recover: recovered,
})

const NO_USER: Problem = problem(404, 'no such user')
const WEAKER: Problem = problem(422, 'secondFactors: only together with password')

async function end(ask: Ask<unknown, Body>): Promise<Answer | Stale> {
  const { realm, params, body } = ask
  const id = params['userId'] ?? ''
  const { password = false, secondFactors = false, ...act } = body
  if (secondFactors && !password) return WEAKER
  // A record that cannot be read keeps nobody from ending its tokens.
  if ((await realm.directory.version(IDENTITY_USERS, id)) === 0) return NO_USER
  const asked: readonly IdentityLogin[] = [
    ...(password ? (['password'] as const) : []),
    ...(secondFactors ? (['secondFactors'] as const) : []),
  ]
  const user = body.dryRun === true ? await realm.directory.readable(IDENTITY_USERS, id) : undefined
  // A preview names those that the user has.
  const alsoEnds =
    user === undefined ? asked : identityLoginsOf(user.value).filter((login) => asked.includes(login))
  const target = { source: 'identity', subject: id }
  return revoke({ ...ask, body: { ...act, target, ...(asked.length === 0 ? {} : { alsoEnds }) } })
}
