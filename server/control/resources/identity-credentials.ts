import type { Audit } from '@rescind/authority'
import { instantOf } from '@rescind/core/bytes'
import type { Target } from '@rescind/core/log'
import { type Answer, endingOf, jsonAnswer, longLivedCredentials, type Stale } from '@rescind/dialects'
import { z } from 'zod'
import { type Problem, problem } from '../../http/problem.ts'
import { auditOf } from '../frame/change.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { refusedEnding } from './rules/ending.ts'

const CREDENTIAL = z.strictObject({
  id: z.string().describe('password, api-key, or app-credential:{id}'),
  name: z.string().optional(),
  tenant: z.string().optional(),
  roles: z.array(z.string()).optional(),
  unrestricted: z.boolean().optional(),
  madeBy: z.string().optional().describe('The application credential whose token made this one'),
  madeAt: z.string().optional(),
  expiresAt: z.string().optional(),
})
const LIST = z.strictObject({ credentials: z.array(CREDENTIAL) })

/** All credentials of this user, without their secrets. */
const LIST_CREDENTIALS: Endpoint = endpoint({
  method: 'GET',
  path: '/identity-users/{userId}/credentials',
  operation: 'listIdentityCredentials',
  summary: 'What an Identity user, or a program in its name, logs in by; no secret is shown',
  role: 'viewer',
  answers: { 200: { what: 'All of them', schema: LIST } },
  handle: async ({ realm, params }) => {
    const found = await longLivedCredentials(realm, params['userId'] ?? '')
    return found === undefined ? NO_USER : jsonAnswer(200, { credentials: found.map(credentialJson) })
  },
})

const END_CREDENTIAL: Endpoint = endpoint({
  method: 'DELETE',
  path: '/identity-users/{userId}/credentials/{credentialId}',
  operation: 'endIdentityCredential',
  summary:
    'End one of them: a password with all tokens of the user, an application credential with what it made',
  role: 'responder',
  rateClass: 'revoke',
  query: z.strictObject({ reason: z.string().min(1).max(256).describe('Why, for the log') }),
  answers: { 200: { what: 'Those that are left', schema: LIST } },
  handle: end,
})

const NO_USER: Problem = problem(404, 'no such user')

async function end(ask: Ask<{ readonly reason: string }>): Promise<Answer | Stale> {
  const { realm, params, query } = ask
  const [userId = '', id = ''] = [params['userId'], params['credentialId']]
  if ((await longLivedCredentials(realm, userId)) === undefined) return NO_USER
  const audit = auditOf(ask, query.reason)
  if ((await endingOf(realm, { userId, id }, audit)) === undefined)
    return problem(404, 'the user has no such credential')
  const refused = await refusedEnding(ask, tokensOf(userId, id))
  if (refused !== undefined) return refused
  if (!(await ended(ask, { userId, id }, audit))) return 'stale'
  const left = (await longLivedCredentials(realm, userId)) ?? []
  return jsonAnswer(200, { credentials: left.map(credentialJson) })
}

const ATTEMPTS_MAX = 3

/** Whoever makes credentials all the time makes each attempt stale: the last one does not ask whether any were made. */
async function ended(
  { realm, by }: Pick<Ask, 'realm' | 'by'>,
  named: { readonly userId: string; readonly id: string },
  audit: Audit,
): Promise<boolean> {
  const about = { realm: realm.ordinal, dependsOn: [by.caller.dependency] }
  for (let nth = 0; nth <= ATTEMPTS_MAX; nth += 1) {
    const ending = await endingOf(realm, named, audit)
    if (ending === undefined) return false
    const { reads: _reads, ...blind } = ending
    const outcome = await realm.commit({ ...about, ...(nth < ATTEMPTS_MAX ? ending : blind) })
    if (outcome.kind === 'applied') return true
  }
  return false
}

/**
 * The rule that ends with a credential, which a second person may have to approve. Deleting an API key leaves its
 * tokens.
 */
function tokensOf(userId: string, id: string): readonly Target[] {
  const source = 'identity'
  if (id === 'api-key') return []
  return id === 'password'
    ? [{ kind: 'cut', shape: 'subject', principals: { source, subject: userId } }]
    : [{ kind: 'cut', shape: 'client', principals: { source, client: id } }]
}

type Credential = NonNullable<Awaited<ReturnType<typeof longLivedCredentials>>>[number]

function credentialJson(one: Credential): z.output<typeof CREDENTIAL> {
  if (!('value' in one)) return { id: one.id }
  const { name, tenantId, roleIds, isUnrestricted, parentId, madeAtMs, expiresAtMs } = one.value
  return {
    id: one.id,
    name,
    tenant: tenantId,
    roles: [...roleIds],
    unrestricted: isUnrestricted,
    madeBy: parentId,
    madeAt: instantOf(madeAtMs),
    expiresAt: instantOf(expiresAtMs),
  }
}

export const IDENTITY_CREDENTIAL_ENDPOINTS: readonly Endpoint[] = [LIST_CREDENTIALS, END_CREDENTIAL]
