import { GRANT_TYPES, type GrantType, type IntrospectRight } from '@rescind/dialects'
import { z } from 'zod'
import { type GivenProfile, NAMED_PROFILE } from '../control/check-profiles.ts'
import { type SeedChatApp, seedChatApp, seedUrl } from './chat-schema.ts'
import { type SeedIdentity, seedIdentity } from './identity-schema.ts'
import { id, type SeedSecret, secret } from './parts.ts'

type SeedOauthClient = {
  readonly clientId: string
  readonly clientSecret: SeedSecret
  readonly grantTypes: readonly GrantType[]
  readonly scopes: readonly string[]
  readonly introspect: IntrospectRight
}
export type SeedRealm = {
  readonly name: string
  readonly chatApps: readonly SeedChatApp[]
  /** Of those of its chat apps that name none themselves. */
  readonly chatVerifyUrl?: string | undefined
  readonly oauthClients: readonly SeedOauthClient[]
  readonly identity: SeedIdentity
  readonly verifiers: readonly { readonly name: string; readonly key: SeedSecret }[]
  readonly checkProfiles: readonly GivenProfile[]
}
export type Seed = { readonly realms: readonly SeedRealm[] }

const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be one scope token (RFC 6749 §3.3)')

const oauthClient = z.strictObject({
  clientId: id,
  clientSecret: secret,
  grantTypes: z.array(z.enum(GRANT_TYPES)).min(1),
  scopes: z.array(scope).default([]),
  introspect: z.enum(['own', 'audience', 'any']).default('own'),
})

const realm = z.strictObject({
  name: z.string(),
  chatApps: z.array(seedChatApp).default([]),
  chatVerifyUrl: seedUrl.optional(),
  oauthClients: z.array(oauthClient).default([]),
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
