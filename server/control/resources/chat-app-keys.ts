import type { Realm } from '@rescind/authority'
import type { Answer, ChatApp, Stale } from '@rescind/dialects'
import { z } from 'zod'
import { isGuessable, KEY_BITS_MIN } from '../../config/guessable.ts'
import { isAnswer, type Problem, problem } from '../../http/problem.ts'
import { storedText } from '../../records/text-schemas.ts'
import { type AnswerShape, type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { put, recordOf } from '../frame/records.ts'
import { wholeOf } from '../frame/resource.ts'
import { APPS, NEW_APP } from './chat-app-json.ts'
import { ONE_KEY, TWO_KEYS, WHICH } from './two-keys.ts'

const KEY_MAX = 512
const KEY_BYTES = 32

type Keys = { readonly apiKey: z.ZodOptional<z.ZodString>; readonly clientKey: z.ZodOptional<z.ZodString> }

/** Keys that a caller may choose. */
export const KEYS: Keys = {
  apiKey: storedText(KEY_MAX).optional(),
  clientKey: storedText(KEY_MAX).optional(),
}

export const WITH_KEYS: AnswerShape = {
  what: 'The chat app, and those of its keys that were made here: they are shown this once',
  schema: NEW_APP,
}

export const ROTATE_API_KEY: Endpoint = endpoint({
  method: 'POST',
  path: `${APPS.path}/rotate`,
  operation: 'rotateChatApiKey',
  summary: 'Another API key for an app; the one before is taken, too, until it is retired',
  role: 'admin',
  body: z.strictObject({ apiKey: KEYS.apiKey }).optional(),
  answers: { 201: WITH_KEYS },
  problems: [409],
  handle: rotate,
})

export const RETIRE_API_KEY: Endpoint = endpoint({
  method: 'POST',
  path: `${APPS.path}/retire`,
  operation: 'retireChatApiKey',
  summary: 'End one of the two API keys of an app, the older one unless it is said, and its streams',
  role: 'responder',
  rateClass: 'revoke',
  body: z.strictObject({ which: WHICH }).optional(),
  answers: { 200: wholeOf(APPS) },
  problems: [409],
  handle: retire,
})

/** The problem with an API key that can be guessed. The client key is public, so it may be anything. */
export function weakKey({ parts }: Pick<Ask, 'parts'>, apiKey: string | undefined): Problem | undefined {
  return apiKey !== undefined && !parts.allowWeakSecrets && isGuessable(apiKey) ? WEAK : undefined
}

const WEAK: Problem = problem(
  422,
  `apiKey: it can be guessed: leave it out, and one is made, or give one of ${KEY_BITS_MIN} bits`,
)

/** Keys in the vendor's form: 32 random bytes in base64. */
export function makeKey({ random }: Realm): string {
  return random.bytes(KEY_BYTES).toString('base64')
}

async function rotate(
  ask: Ask<unknown, { apiKey?: string | undefined } | undefined>,
): Promise<Answer | Stale> {
  const { realm, body } = ask
  const weak = weakKey(ask, body?.apiKey)
  if (weak !== undefined) return weak
  const before = await recordOf(APPS, ask)
  if (isAnswer(before)) return before
  const { apiKeyDigest, olderApiKeyDigest, clientKeyDigest } = before.value
  if (olderApiKeyDigest !== undefined) return TWO_KEYS
  const apiKey = body?.apiKey ?? makeKey(realm)
  const digest = realm.secretDigest(apiKey)
  if (digest === apiKeyDigest || digest === clientKeyDigest)
    return problem(422, 'apiKey: the app has this key already; give another')
  const value: ChatApp = { ...before.value, apiKeyDigest: digest, olderApiKeyDigest: apiKeyDigest }
  const more = body?.apiKey === undefined ? { apiKey } : {}
  return put(APPS, ask, { ...before, value, status: 201, more })
}

type Retiring = { which?: 'older' | 'newer' | undefined } | undefined

async function retire(ask: Ask<unknown, Retiring>): Promise<Answer | Stale> {
  const before = await recordOf(APPS, ask)
  if (isAnswer(before)) return before
  const { olderApiKeyDigest, ...rest } = before.value
  if (olderApiKeyDigest === undefined) return ONE_KEY
  const value: ChatApp = ask.body?.which === 'newer' ? { ...rest, apiKeyDigest: olderApiKeyDigest } : rest
  return put(APPS, ask, { ...before, value, status: 200 })
}
