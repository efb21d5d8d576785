import type { Audit, Issued } from '@rescind/authority'
import { ContractBroken, type Position, unreachable } from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import {
  type Answer,
  CHALLENGE,
  grantedScope,
  isRegisteredRedirect,
  jsonAnswer,
  OAUTH_CLIENTS,
  type OauthClient,
  type Stale,
  spelledTarget,
  startCode,
  startGrant,
  tokenMembers,
} from '@rescind/dialects'
import { z } from 'zod'
import { type Problem, problem } from '../../http/problem.ts'
import { storedText } from '../../records/text-schemas.ts'
import { auditOf } from '../frame/change.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'

const TEXT_MAX = 256
const URI_MAX = 2_048

type GrantBody = {
  readonly clientId: string
  readonly subject: string
  readonly scope?: string | undefined
  readonly audience?: readonly string[] | undefined
  readonly redirectUri?: string | undefined
  readonly codeChallenge?: string | undefined
  readonly codeChallengeMethod?: 'S256' | undefined
}

const GRANT_BODY: z.ZodType<GrantBody> = z.strictObject({
  clientId: z.string().min(1),
  subject: storedText(TEXT_MAX),
  scope: z.string().optional(),
  audience: z.array(z.string().min(1).max(TEXT_MAX)).min(1).max(16).optional(),
  redirectUri: z.string().min(1).max(URI_MAX).optional(),
  codeChallenge: z.string().regex(CHALLENGE, 'must be 43 characters of base64url (RFC 7636)').optional(),
  codeChallengeMethod: z.literal('S256').optional(),
})

const TOKENS = z.strictObject({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.int(),
  refresh_token: z.string().optional(),
  scope: z.string().optional(),
})
const CODE = z.strictObject({ code: z.string(), expiresIn: z.int() })

export const CREATE_GRANT: Endpoint = endpoint({
  method: 'POST',
  path: '/grants',
  operation: 'createGrant',
  summary: 'Make a login that happened elsewhere into tokens, or into a code for them',
  role: 'admin',
  body: GRANT_BODY,
  answers: {
    201: {
      what: 'The tokens or the code; their text is in no other answer',
      schema: z.union([TOKENS, CODE]),
    },
  },
  problems: [409],
  handle: createGrant,
})

type GrantAct = Pick<Ask<unknown, GrantBody>, 'realm' | 'by' | 'how' | 'body' | 'parts'>

/**
 * `POST /control/v1/grants`: issues tokens for a login that happened elsewhere: 201 with the members of RFC 6749 §5.1.
 * With a redirect URI and a challenge, it issues a code that the client redeems itself. Only this answer ever holds
 * their text.
 */
async function createGrant(act: GrantAct): Promise<Answer | Stale> {
  const { realm, body } = act
  const judgedAt = realm.position()
  const client = (await realm.directory.get(OAUTH_CLIENTS, body.clientId))?.value
  if (client === undefined || !client.enabled)
    return problem(422, 'clientId: no such client, or it is disabled')
  const scope = grantedScope(body.scope, client.scopes)
  if (scope === undefined) return problem(422, 'scope: malformed, or more than the client is allowed')
  const { audiences = [] } = client
  const audience = body.audience?.map((one) => spelledTarget(one, audiences)) ?? audiences
  if (!audience.every((one) => one !== undefined))
    return problem(422, `audience: more than the client is allowed (${audiences.join(' ') || 'none'})`)
  const allowed = { client, scope, judgedAt, ...(audience.length === 0 ? {} : { audience }) }
  const asksForCode =
    body.redirectUri !== undefined ||
    body.codeChallenge !== undefined ||
    body.codeChallengeMethod !== undefined
  return asksForCode ? mintCode(act, allowed) : mintTokens(act, allowed)
}

type Allowed = {
  readonly client: OauthClient
  readonly scope: string
  readonly audience?: readonly string[]
  readonly judgedAt: Position
}

/** Records the subject and the client: the tokens themselves may be collected before the audit is read. */
function auditOfGrant({ by, how, body }: GrantAct): Audit {
  return { ...auditOf({ by, how }), cause: { code: 'grant', client: body.clientId, subject: body.subject } }
}

async function mintTokens(
  act: GrantAct,
  { client, scope, audience, judgedAt }: Allowed,
): Promise<Answer | Stale> {
  const { realm, by, body, parts } = act
  if (!client.grantTypes.includes('refresh_token'))
    return problem(422, 'clientId: this client may not hold refresh tokens (grantTypes)')
  const minting = { realm, issuer: parts.issuerOf(realm), client, judgedAt }
  const audit = auditOfGrant(act)
  const family = defined({ subject: body.subject, scope, audit, audience })
  const started = await startGrant(minting, by.caller, family)
  if (started === undefined)
    return problem(422, 'the access token would be too long: fewer scopes or audiences')
  return started.issued.kind === 'issued'
    ? jsonAnswer(201, tokenMembers(started.texts))
    : refused(started.issued)
}

/**
 * RFC 6749 §4.1.2: the code is bound to the client, the redirect URI and, by RFC 7636, the party that began the flow.
 */
async function mintCode(
  act: GrantAct,
  { client, scope, audience, judgedAt }: Allowed,
): Promise<Answer | Stale> {
  const { realm, by, body } = act
  const { subject, redirectUri, codeChallenge } = body
  if (!client.grantTypes.includes('authorization_code'))
    return problem(422, 'clientId: this client may not redeem codes (grantTypes)')
  if (redirectUri === undefined || codeChallenge === undefined || body.codeChallengeMethod !== 'S256')
    return problem(422, 'a code needs redirectUri, codeChallenge and codeChallengeMethod "S256"')
  // The caller has authenticated the user; the list only guards against mistakes.
  const { redirectUris = [] } = client
  if (redirectUris.length > 0 && !isRegisteredRedirect(redirectUri, redirectUris))
    return problem(422, 'redirectUri: not one that the client has registered (redirectUris)')
  const intent = { client, subject, scope, redirectUri, codeChallenge, audit: auditOfGrant(act) }
  const { issued, code, expiresInSeconds } = await startCode(
    realm,
    { judgedAt, caller: by.caller },
    audience === undefined ? intent : { ...intent, audience },
  )
  if (issued.kind !== 'issued') return refused(issued)
  return jsonAnswer(201, { code: code.reveal(), expiresIn: expiresInSeconds })
}

function refused(issued: Exclude<Issued, { kind: 'issued' }>): Problem | Stale {
  switch (issued.kind) {
    case 'stale':
    case 'token-exists':
    case 'consumed':
      return 'stale'
    case 'over-quota':
      return problem(429, 'too many tokens were issued by this key', {
        'retry-after': String(issued.waitSeconds),
      })
    case 'held':
      return problem(409, 'a hold is in force for this subject or client; release it first')
    case 'too-deep':
      throw new ContractBroken('a new grant has no ancestors')
    default:
      return unreachable(issued)
  }
}
