import { type Awaitable, after, type Position, type Realm, unreachable } from '@rescind/core'
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
import type { ControlCaller } from './keys.ts'
import { problem } from './problem.ts'

const SUBJECT_MAX = 256

export type GrantBody = {
  readonly clientId: string
  readonly subject: string
  readonly scope?: string | undefined
}

export const GRANT_BODY: z.ZodType<GrantBody> = z.strictObject({
  clientId: z.string().min(1),
  subject: z
    .string()
    .min(1)
    .max(SUBJECT_MAX)
    .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must be well-formed text'),
  scope: z.string().optional(),
})

export type GrantAct = {
  readonly realm: Realm
  readonly by: ControlCaller
  readonly body: GrantBody
}

/**
 * `POST /control/v1/grants`: a login that happened elsewhere becomes tokens here. 201 with the members of RFC 6749
 * §5.1, a refresh token among them. Only the answer ever holds their text.
 */
export function createGrant({ realm, by, body }: GrantAct): Awaitable<Answer | Stale> {
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
