import { CHAT_APPS, chatAppValue } from '@rescind/dialects'
import { z } from 'zod'
import { maskedUrl } from '../../machine/net/masked-url.ts'
import { createAll, plan } from '../../seed/create.ts'
import { id, type SeedPart, type SeedSecret, secret, seedPart, WrittenSecret } from '../../seed/parts.ts'

/** A URL may hold a secret; one that is shown masked counts as such. */
type SeedUrl = string | WrittenSecret

type SeedChatApp = {
  readonly name: string
  readonly apiKey: SeedSecret
  readonly clientKey: SeedSecret
  readonly tokenLifetimeSeconds?: number | undefined
  readonly enabled?: boolean | undefined
  readonly sandbox?: boolean | undefined
  readonly newerMembers?: boolean | undefined
  readonly apiKeySources?: readonly string[] | undefined
  readonly requestsPerMinute?: number | undefined
  readonly listingMax?: number | undefined
  readonly verifyUrl?: SeedUrl | undefined
  readonly verifySkewSeconds?: number | undefined
  readonly maxLifetimeSeconds?: number | undefined
  readonly tombstonesMax?: number | undefined
}

const seedUrl: z.ZodType<SeedUrl> = z
  .string()
  .max(2_048)
  .transform((url) => (maskedUrl(url) === url ? url : new WrittenSecret(url)))

/** The members of a chat app; ranges and forms are checked where apps are made. */
const seedChatApp: z.ZodType<SeedChatApp> = z.strictObject({
  name: id,
  apiKey: secret,
  clientKey: secret,
  tokenLifetimeSeconds: z.int().positive().optional(),
  enabled: z.boolean().optional(),
  sandbox: z.boolean().optional(),
  newerMembers: z.boolean().optional(),
  apiKeySources: z.array(z.string().max(64)).optional(),
  requestsPerMinute: z.int().min(0).optional(),
  listingMax: z.int().positive().optional(),
  verifyUrl: seedUrl.optional(),
  verifySkewSeconds: z.int().min(0).optional(),
  maxLifetimeSeconds: z.int().positive().optional(),
  tombstonesMax: z.int().min(0).optional(),
})

/** The chat apps of a realm. */
export const CHAT_SEED: SeedPart = seedPart({
  members: {
    chatApps: z.array(seedChatApp).default([]),
    /** For chat apps that name no URL themselves. */
    chatVerifyUrl: seedUrl.optional(),
  },
  create: (realm, { chatApps, chatVerifyUrl }, { reveal }) =>
    createAll(realm, chatApps, (app) => {
      const of = `chat app ${app.name}`
      return plan({ collection: CHAT_APPS, id: app.name }, () =>
        chatAppValue(realm, {
          ...app,
          verifyUrl: urlText(app.verifyUrl ?? chatVerifyUrl),
          apiKey: reveal(app.apiKey, of),
          clientKey: reveal(app.clientKey, of),
        }),
      )
    }),
})

function urlText(url: SeedUrl | undefined): string | undefined {
  return url instanceof WrittenSecret ? url.text : url
}
