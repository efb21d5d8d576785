import { z } from 'zod'
import { CLIENT_SETTINGS, type ClientSettings, settingsProblem } from '../records/oauth-clients.ts'
import { type GivenProfile, NAMED_PROFILE } from '../records/profile-schema.ts'
import { type SeedChatApp, seedChatApp, seedUrl } from './chat-schema.ts'
import { type SeedIdentity, seedIdentity } from './identity-schema.ts'
import { id, type SeedSecret, secret } from './parts.ts'

type SeedOauthClient = ClientSettings & {
  readonly clientId: string
  readonly clientSecret?: SeedSecret | undefined
}
export type SeedRealm = {
  readonly name: string
  readonly chatApps: readonly SeedChatApp[]
  /** Of those of its chat apps that name none themselves. */
  readonly chatVerifyUrl?: string | undefined
  readonly oauthClients: readonly SeedOauthClient[]
  /** How minted text begins, where it is not to begin as usual. */
  readonly tokenPrefixes?: Readonly<Record<string, string | undefined>> | undefined
  readonly identity: SeedIdentity
  readonly verifiers: readonly { readonly name: string; readonly key: SeedSecret }[]
  readonly checkProfiles: readonly GivenProfile[]
}
export type Seed = { readonly realms: readonly SeedRealm[] }

const oauthClient = z
  .strictObject({ clientId: id, clientSecret: secret.optional(), ...CLIENT_SETTINGS })
  .check(({ value, issues }) => {
    const { clientSecret, ...settings } = value
    const isProved = clientSecret !== undefined || settings.jwks !== undefined
    const message =
      settingsProblem(settings) ??
      (isProved === (settings.public === true)
        ? 'clientSecret: needed, unless it has jwks or is public'
        : undefined)
    if (message !== undefined) issues.push({ code: 'custom', message, input: value.clientId })
  })

const prefix = z.string().min(1).optional()

const realm = z.strictObject({
  name: z.string(),
  chatApps: z.array(seedChatApp).default([]),
  chatVerifyUrl: seedUrl.optional(),
  oauthClients: z.array(oauthClient).default([]),
  tokenPrefixes: z
    .strictObject({ access: prefix, refresh: prefix, code: prefix, identity: prefix, clientSecret: prefix })
    .optional(),
  identity: seedIdentity,
  verifiers: z.array(z.strictObject({ name: id, key: secret })).default([]),
  checkProfiles: z.array(NAMED_PROFILE).default([]),
})

const seedFile: z.ZodType<Seed> = z.strictObject({ realms: z.array(realm).default([]) })

export type SeedParse =
  | { readonly ok: true; readonly seed: Seed }
  | { readonly ok: false; readonly why: string }

/** Unknown members are an error: a misspelt member of a seed would otherwise be a client nobody can use. */
export function parseSeed(value: unknown): SeedParse {
  const parsed = seedFile.safeParse(value)
  if (parsed.success) return { ok: true, seed: parsed.data }
  const issue = parsed.error.issues[0]
  return { ok: false, why: `${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'not as described'}` }
}
