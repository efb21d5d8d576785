import { type Awaitable, after, type Position, unreachable } from '@rescind/core'
import {
  type Answer,
  grantedScope,
  jsonAnswer,
  OAUTH_CLIENTS,
  type OauthClient,
  type Stale,
  startGrant,
  tokenMembers,
} from '@rescind/dialects'
import { z } from 'zod'
import { type Ask, type Endpoint, endpoint } from './frame/endpoint.ts'
import { problem } from './frame/problem.ts'

const SUBJECT_MAX = 256

type GrantBody = {
  readonly clientId: string
  readonly subject: string
  readonly scope?: string | undefined
}

const GRANT_BODY: z.ZodType<GrantBody> = z.strictObject({
  clientId: z.string().min(1),
  subject: z
    .string()
    .min(1)
    .max(SUBJECT_MAX)
    .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must be well-formed text'),
  scope: z.string().optional(),
})

const TOKENS = z.strictObject({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.int(),
  refresh_token: z.string().optional(),
  scope: z.string(),
})

export const CREATE_GRANT: Endpoint = endpoint({
  method: 'POST',
  path: '/grants',
  operation: 'createGrant',
  summary: 'Make a login that happened elsewhere into tokens',
  role: 'admin',
  body: GRANT_BODY,
  answers: { 201: { what: 'The tokens; their text is in no other answer', schema: TOKENS } },
  handle: createGrant,
})

type GrantAct = Pick<Ask<unknown, GrantBody>, 'realm' | 'by' | 'body'>

/**
 * `POST /control/v1/grants`: a login that happened elsewhere becomes tokens here. 201 with the members of RFC 6749
 * §5.1, a refresh token among them. Only the answer ever holds their text.
 */
function createGrant({ realm, by, body }: GrantAct): Awaitable<Answer | Stale> {
  const basis = realm.basis()
  return after(realm.directory.get(OAUTH_CLIENTS, body.clientId), (entry) => {
    const client = entry?.value
    if (client === undefined || !client.enabled)
      return problem(422, 'clientId: no such client, or it is disabled')
    if (!client.grantTypes.includes('refresh_token')) {
      return problem(422, 'clientId: this client may not hold refresh tokens (grantTypes)')
    }
    const scope = grantedScope(body.scope, client.scopes)
    if (scope === undefined) return problem(422, 'scope: malformed, or more than the client is allowed')
    return mint({ realm, by, body }, { client, scope, basis })
  })
}

type Allowed = { readonly client: OauthClient; readonly scope: string; readonly basis: Position }

async function mint(
  { realm, by, body }: GrantAct,
  { client, scope, basis }: Allowed,
): Promise<Answer | Stale> {
  const family = { client: client.clientId, subject: body.subject, scope }
  const { issued, texts } = await startGrant(realm, { basis, caller: by.caller }, family)
  switch (issued.kind) {
    case 'issued':
      return jsonAnswer(201, tokenMembers(texts))
    case 'stale':
    case 'token-exists':
    case 'consumed':
      return 'stale'
    case 'held':
      return problem(409, 'a hold is in force for this subject or client; release it first')
    case 'lifetime-too-long':
    case 'too-deep':
      return problem(422, 'the lifetime is longer than the realm allows')
    default:
      return unreachable(issued)
  }
}
