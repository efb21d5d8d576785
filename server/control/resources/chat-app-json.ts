import { CHAT_APPS, type ChatApp, chatAppSettings, chatSource, liveApiKeysOf } from '@rescind/dialects'
import { z } from 'zod'
import { problem } from '../../http/problem.ts'
import { maskedUrl } from '../../machine/net/masked-url.ts'
import type { Records } from '../frame/records.ts'

const APP = z.strictObject({
  name: z.string(),
  /** The source that rules name its tokens by. */
  source: z.string(),
  enabled: z.boolean(),
  apiKeys: z.literal(2).optional().describe('While the API key is being rotated'),
  tokenLifetimeSeconds: z.int(),
  sandbox: z.boolean(),
  newerMembers: z.boolean(),
  apiKeySources: z.array(z.string()).optional(),
  requestsPerMinute: z.int().optional(),
  listingMax: z.int().optional(),
  verifyUrl: z.string().optional(),
  verifySkewSeconds: z.int().optional(),
  maxLifetimeSeconds: z.int().optional(),
  tombstonesMax: z.int().optional(),
})

/** An app with the keys that were just made. */
export const NEW_APP: z.ZodType = APP.extend({
  apiKey: z.string().optional(),
  clientKey: z.string().optional(),
})

export const APPS: Records<ChatApp> = {
  collection: CHAT_APPS,
  path: '/chat-apps/{name}',
  what: 'The chat app',
  schema: APP,
  json: ({ value }) => appJson(value),
  none: problem(404, 'no such chat app'),
  taken: problem(409, 'apiKey, clientKey: in use by another app of this realm'),
}

function appJson(app: ChatApp): object {
  const { name, enabled, sandbox = false, newerMembers = false, ...rest } = chatAppSettings(app)
  const verifyUrl = rest.verifyUrl === undefined ? undefined : maskedUrl(rest.verifyUrl)
  const apiKeys = liveApiKeysOf(app).length === 2 ? 2 : undefined
  return { name, source: chatSource(name), enabled, apiKeys, sandbox, newerMembers, ...rest, verifyUrl }
}
