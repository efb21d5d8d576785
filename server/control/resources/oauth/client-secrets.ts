import { mintText } from '@rescind/authority'
import {
  type Answer,
  type ClientSecret,
  newSecret,
  type OauthClient,
  SECRETS_MAX,
  type Stale,
} from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, problem } from '../../../http/problem.ts'
import { type Ask, type Endpoint, endpoint } from '../../frame/endpoint.ts'
import { matchedRecordOf, put } from '../../frame/records.ts'
import { wholeOf } from '../../frame/resource.ts'
import { changedTo } from './client-change.ts'
import { CLIENTS, NEW_CLIENT } from './client-json.ts'

/** How long older secrets stay valid by default: a day to deploy the new one. */
const OVERLAP_SECONDS = 86_400
const OVERLAP_MAX_SECONDS = 90 * 86_400

const ROTATE = z
  .strictObject({
    overlapSeconds: z.int().min(0).max(OVERLAP_MAX_SECONDS).default(OVERLAP_SECONDS),
    /** For a leaked secret: ends it now, with all tokens issued by it. */
    revokeTokens: z.boolean().default(false),
    reason: z.string().min(1).max(512).optional(),
  })
  .default({ overlapSeconds: OVERLAP_SECONDS, revokeTokens: false })

const END = z.strictObject({
  revokeTokens: z
    .boolean()
    .default(false)
    .describe('The secret has leaked: whatever was issued to the client so far is over, too'),
  reason: z.string().min(1).max(512).optional(),
})

const ROTATE_SECRET: Endpoint = endpoint({
  method: 'POST',
  path: `${CLIENTS.path}/secrets`,
  operation: 'rotateClientSecret',
  summary: 'Give a client a new secret, shown once; the older ones stay good for a while',
  role: 'admin',
  conditional: true,
  body: ROTATE,
  answers: {
    201: {
      what: 'The client, and its new secret',
      schema: NEW_CLIENT,
    },
  },
  handle: rotate,
})

const END_SECRET: Endpoint = endpoint({
  method: 'DELETE',
  path: `${CLIENTS.path}/secrets/{secretId}`,
  operation: 'endClientSecret',
  summary: 'End one secret now; tokens of the client live on, unless revokeTokens says otherwise',
  role: 'responder',
  rateClass: 'revoke',
  conditional: true,
  query: END,
  answers: { 200: wholeOf(CLIENTS) },
  handle: end,
})

export const CLIENT_SECRET_ENDPOINTS: readonly Endpoint[] = [ROTATE_SECRET, END_SECRET]

async function rotate(ask: Ask<unknown, z.output<typeof ROTATE>>): Promise<Answer | Stale> {
  const before = await matchedRecordOf(CLIENTS, ask)
  if (isAnswer(before)) return before
  if (before.value.isPublic === true) return problem(422, 'a public client has no secrets')
  const { realm, body } = ask
  const nowMs = realm.nowMs()
  const endsAtMs = nowMs + (body.revokeTokens ? 0 : body.overlapSeconds * 1_000)
  const older = allSecrets(before.value)
    .map((one) => endingBy(one, endsAtMs))
    .filter(({ expiresAtMs }) => expiresAtMs === undefined || expiresAtMs > nowMs)
  if (older.length >= SECRETS_MAX)
    return problem(422, `a client has at most ${SECRETS_MAX} live secrets; end one of them first`)
  const clientSecret = mintText(realm.grammar.prefixes.clientSecret, realm.random).reveal()
  const { secretDigests: _older, ...rest } = before.value
  const value: OauthClient = { ...rest, secrets: [...older, newSecret(realm, clientSecret)] }
  const change = await changedTo(ask, before, { value, ends: body.revokeTokens, why: body.reason })
  if (isAnswer(change)) return change
  return put(CLIENTS, ask, { ...before, ...change, status: 201, more: { clientSecret } })
}

async function end(ask: Ask<z.output<typeof END>>): Promise<Answer | Stale> {
  const before = await matchedRecordOf(CLIENTS, ask)
  if (isAnswer(before)) return before
  const secrets = allSecrets(before.value)
  const left = secrets.filter(({ id }) => id !== ask.params['secretId'])
  if (left.length === secrets.length) return problem(404, 'no such secret')
  const { secretDigests: _older, ...rest } = before.value
  const { revokeTokens, reason } = ask.query
  const value = { ...rest, secrets: left }
  const change = await changedTo(ask, before, { value, ends: revokeTokens, why: reason })
  return isAnswer(change) ? change : put(CLIENTS, ask, { ...before, ...change, status: 200 })
}

/** All secrets, those of the older form too, named in the same way. */
function allSecrets({
  secrets = [],
  secretDigests = [],
  createdAtMs = 0,
}: OauthClient): readonly ClientSecret[] {
  const older = secretDigests.map((digest) => ({ id: `sec_${digest.slice(0, 16)}`, digest, createdAtMs }))
  return [...older, ...secrets]
}

function endingBy(secret: ClientSecret, atMs: number): ClientSecret {
  return { ...secret, expiresAtMs: Math.min(atMs, secret.expiresAtMs ?? atMs) }
}
