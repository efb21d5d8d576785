import { z } from 'zod'
import { id, type SeedSecret, secret } from './parts.ts'

export type SeedChatApp = {
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
  readonly verifyUrl?: string | undefined
  readonly verifySkewSeconds?: number | undefined
  readonly maxLifetimeSeconds?: number | undefined
  readonly tombstonesMax?: number | undefined
}

export const seedUrl: z.ZodType<string> = z.string().max(2_048)

/** What an app of the chat dialect can say of itself; ranges and forms are checked where apps are made. */
export const seedChatApp: z.ZodType<SeedChatApp> = z.strictObject({
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
