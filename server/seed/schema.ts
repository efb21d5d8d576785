import { GRANT_TYPES, type GrantType, type IntrospectRight } from '@rescind/dialects'
import { z } from 'zod'

/** A secret, or the name of an environment variable or file that holds it. */
export type SeedSecret = string | { readonly env: string } | { readonly file: string }

type SeedChatApp = {
  readonly name: string
  readonly apiKey: SeedSecret
  readonly clientKey: SeedSecret
  readonly tokenLifetimeSeconds?: number | undefined
}
type SeedOauthClient = {
  readonly clientId: string
  readonly clientSecret: SeedSecret
  readonly grantTypes: readonly GrantType[]
  readonly scopes: readonly string[]
  readonly introspect: IntrospectRight
}
type SeedTenant = {
  readonly id: string
  readonly name: string
  readonly description?: string | undefined
  readonly enabled: boolean
}
export type SeedUser = {
  readonly id: string
  readonly username: string
  readonly password?: SeedSecret | undefined
  readonly apiKey?: SeedSecret | undefined
  readonly tenantId?: string | undefined
  readonly accountId?: string | undefined
  readonly domainId?: string | undefined
  readonly roles: readonly string[]
  readonly enabled: boolean
}
export type SeedRealm = {
  readonly name: string
  readonly chatApps: readonly SeedChatApp[]
  readonly oauthClients: readonly SeedOauthClient[]
  readonly identity: { readonly tenants: readonly SeedTenant[]; readonly users: readonly SeedUser[] }
  readonly verifiers: readonly { readonly name: string; readonly key: SeedSecret }[]
}
export type Seed = { readonly realms: readonly SeedRealm[] }

/** Any text goes, so that existing keys can be taken over; guessable ones are warned about. */
const secret = z.union([
  z.string().min(1).max(512),
  z.strictObject({ env: z.string().min(1) }),
  z.strictObject({ file: z.string().min(1) }),
])
const id = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must be well-formed text')
const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be one scope token (RFC 6749 §3.3)')

const chatApp = z.strictObject({
  name: id,
  apiKey: secret,
  clientKey: secret,
  tokenLifetimeSeconds: z.int().positive().optional(),
})

const oauthClient = z.strictObject({
  clientId: id,
  clientSecret: secret,
  grantTypes: z.array(z.enum(GRANT_TYPES)).min(1),
  scopes: z.array(scope).default([]),
  introspect: z.enum(['own', 'audience', 'any']).default('own'),
})

const tenant = z.strictObject({
  id,
  name: id,
  description: z.string().optional(),
  enabled: z.boolean().default(true),
})

const user = z.strictObject({
  id,
  username: id,
  password: secret.optional(),
  apiKey: secret.optional(),
  tenantId: id.optional(),
  accountId: id.optional(),
  domainId: id.optional(),
  roles: z.array(id).default([]),
  enabled: z.boolean().default(true),
})

const realm = z.strictObject({
  name: z.string(),
  chatApps: z.array(chatApp).default([]),
  oauthClients: z.array(oauthClient).default([]),
  identity: z
    .strictObject({ tenants: z.array(tenant).default([]), users: z.array(user).default([]) })
    .default({ tenants: [], users: [] }),
  verifiers: z.array(z.strictObject({ name: id, key: secret })).default([]),
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
