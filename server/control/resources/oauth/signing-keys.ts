import {
  type KeyChange,
  revokeSigningKey,
  rotateSigningKey,
  SIGNING_KEYS,
  type SigningKeyValue,
  signingKeys,
} from '@rescind/authority'
import { formatInstant, instantOf } from '@rescind/core/bytes'
import { isCanonicalBase64url } from '@rescind/core/tokens'
import { type Answer, jsonAnswer, type Stale, TOKEN_ALGORITHMS } from '@rescind/dialects'
import { z } from 'zod'
import { type Problem, problem } from '../../../http/problem.ts'
import { type Ask, type Endpoint, endpoint } from '../../frame/endpoint.ts'
import { refusedEnding } from '../rules/ending.ts'

const reason = z.string().min(1).max(512).optional()
const ROTATE = z
  .strictObject({ algorithm: z.enum(TOKEN_ALGORITHMS).default('ES256'), reason })
  .default({ algorithm: 'ES256' })
const REVOKE = z.strictObject({ reason }).optional()

const KEY = z.strictObject({
  /** RFC 7638 thumbprint: the `kid` of tokens signed with it, and the name of the key in rules. */
  keyId: z.string(),
  algorithm: z.string(),
  state: z.enum(['next', 'active', 'old', 'revoked']),
  publicJwk: z.record(z.string(), z.json()),
  createdAt: z.string(),
  activatedAt: z.string().optional(),
  retiredAt: z.string().optional(),
  /** When an old key leaves the key set, or a revoked one can be forgotten. */
  keepUntil: z.string().optional(),
})
const KEYS = z.strictObject({ signingKeys: z.array(KEY) })

const LIST: Endpoint = endpoint({
  method: 'GET',
  path: '/signing-keys',
  operation: 'listSigningKeys',
  summary: 'Keys that sign tokens and answers: next, active, old and revoked',
  role: 'viewer',
  answers: { 200: { what: 'All of them', schema: KEYS } },
  handle: async ({ realm }) => {
    const entries = await signingKeys(realm)
    return jsonAnswer(200, { signingKeys: entries.map(({ value }) => keyJson(value)) })
  },
})

const ROTATE_KEY: Endpoint = endpoint({
  method: 'POST',
  path: '/signing-keys/rotate',
  operation: 'rotateSigningKey',
  summary: 'Sign with the next key from now on; the old one is published until what it signed has expired',
  role: 'admin',
  body: ROTATE,
  answers: { 200: { what: 'The keys that changed', schema: KEYS } },
  handle: async (ask) =>
    worded(await rotateSigningKey(ask.realm, ask.body.algorithm, actOf(ask, ask.body.reason))),
})

const REVOKE_KEY: Endpoint = endpoint({
  method: 'POST',
  path: '/signing-keys/{keyId}/revoke',
  operation: 'revokeSigningKey',
  summary: 'End a key and whatever it signed; it leaves the key set at once',
  role: 'responder',
  rateClass: 'revoke',
  body: REVOKE,
  answers: { 200: { what: 'The keys that changed', schema: KEYS } },
  handle: revoke,
})

export const SIGNING_KEY_ENDPOINTS: readonly Endpoint[] = [LIST, ROTATE_KEY, REVOKE_KEY]

const NONE: Problem = problem(404, 'no such key')

async function revoke(ask: Ask<unknown, z.output<typeof REVOKE>>): Promise<Answer | Stale> {
  const keyId = ask.params['keyId'] ?? ''
  if (!isCanonicalBase64url(keyId)) return NONE
  const known = await ask.realm.directory.get(SIGNING_KEYS, keyId)
  if (known === undefined) return NONE
  // If the key is revoked already, this call ends nothing more.
  const isOver = known.value.state === 'revoked'
  const refused = isOver ? undefined : await refusedEnding(ask, [{ kind: 'key', keyId }])
  if (refused !== undefined) return refused
  return worded(await revokeSigningKey(ask.realm, keyId, actOf(ask, ask.body?.reason)))
}

function actOf({ by }: Ask, why: string | undefined) {
  return why === undefined ? { caller: by.caller } : { caller: by.caller, why }
}

function worded(change: KeyChange): Answer | Stale {
  switch (change.kind) {
    case 'changed':
      return jsonAnswer(200, { signingKeys: change.keys.map(keyJson) })
    case 'no-such-key':
      return NONE
    case 'stale':
      return 'stale'
  }
}

function keyJson(value: SigningKeyValue) {
  const { keyId, algorithm, state, publicJwk, createdAtMs, activatedAtMs, retiredAtMs, keepUntilMs } = value
  return {
    keyId,
    algorithm,
    state,
    publicJwk,
    createdAt: formatInstant(createdAtMs),
    activatedAt: instantOf(activatedAtMs),
    retiredAt: instantOf(retiredAtMs),
    keepUntil: instantOf(keepUntilMs),
  }
}
