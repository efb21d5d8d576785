import { z } from 'zod'
import { id, type SeedSecret, secret } from '../../seed/parts.ts'

type SeedDomain = {
  readonly id: string
  readonly name: string
  readonly description?: string | undefined
  readonly enabled: boolean
}
type SeedTenant = SeedDomain & {
  readonly displayName?: string | undefined
  readonly domainId?: string | undefined
}
type SeedRole = {
  readonly id: string
  readonly name: string
  readonly description?: string | undefined
  readonly serviceId?: string | undefined
}
type SeedGrant = {
  readonly role: string
  readonly tenantId?: string | undefined
  readonly domainId?: string | undefined
  readonly system?: true | undefined
}
type SeedMfa = {
  readonly enabled: boolean
  readonly enforcement: 'DEFAULT' | 'OPTIONAL' | 'REQUIRED'
  readonly totp?: SeedSecret | undefined
}
export type SeedUser = {
  readonly id: string
  readonly username: string
  readonly email?: string | undefined
  readonly description?: string | undefined
  readonly password?: SeedSecret | undefined
  readonly apiKey?: SeedSecret | undefined
  readonly tenantId?: string | undefined
  readonly accountId?: string | undefined
  readonly domainId?: string | undefined
  readonly defaultRegion?: string | undefined
  readonly roles: readonly string[]
  readonly grants: readonly SeedGrant[]
  readonly enabled: boolean
  readonly mfa?: SeedMfa | undefined
}
type SeedAppCredential = {
  readonly id: string
  readonly name: string
  readonly userId: string
  readonly tenantId: string
  readonly secret: SeedSecret
  readonly roles: readonly string[]
  readonly unrestricted: boolean
}
type SeedService = {
  readonly id?: string | undefined
  readonly name: string
  readonly type: string
  readonly description?: string | undefined
  readonly endpoints: readonly {
    readonly id?: string | undefined
    readonly region: string
    readonly publicUrl: string
    readonly internalUrl?: string | undefined
    readonly adminUrl?: string | undefined
    readonly versionId?: string | undefined
  }[]
}
export type SeedIdentity = {
  readonly domains: readonly SeedDomain[]
  readonly tenants: readonly SeedTenant[]
  readonly roles: readonly SeedRole[]
  readonly users: readonly SeedUser[]
  readonly accounts: readonly {
    readonly id: string
    readonly mfaEnforcement: 'OPTIONAL' | 'REQUIRED' | 'RACKSPACE_MANDATED'
  }[]
  readonly applicationCredentials: readonly SeedAppCredential[]
  readonly catalog: readonly SeedService[]
}

const domain = z.strictObject({
  id,
  name: id,
  description: z.string().optional(),
  enabled: z.boolean().default(true),
})
const tenant = domain.extend({
  id: id.refine((text) => !/^(?:domain|system):/.test(text), 'must not begin with "domain:" or "system:"'),
  displayName: z.string().optional(),
  domainId: id.optional(),
})
const role = z.strictObject({ id, name: id, description: z.string().optional(), serviceId: id.optional() })
const grant = z
  .strictObject({
    role: id,
    tenantId: id.optional(),
    domainId: id.optional(),
    system: z.literal(true).optional(),
  })
  .refine(
    ({ tenantId, domainId, system }) =>
      [tenantId, domainId, system].filter((one) => one !== undefined).length === 1,
    'needs exactly one of tenantId, domainId and system',
  )
const mfa = z.strictObject({
  enabled: z.boolean().default(true),
  enforcement: z.enum(['DEFAULT', 'OPTIONAL', 'REQUIRED']).default('DEFAULT'),
  totp: secret.optional(),
})
const user = z.strictObject({
  id,
  username: id,
  email: z.string().min(3).max(256).optional(),
  description: z.string().optional(),
  password: secret.optional(),
  apiKey: secret.optional(),
  tenantId: id.optional(),
  accountId: id.optional(),
  domainId: id.optional(),
  defaultRegion: id.optional(),
  roles: z.array(id).default([]),
  grants: z.array(grant).default([]),
  enabled: z.boolean().default(true),
  mfa: mfa.optional(),
})
const appCredential = z.strictObject({
  id,
  name: id,
  userId: id,
  tenantId: id,
  secret,
  roles: z.array(id).min(1),
  unrestricted: z.boolean().default(false),
})
const url = z.string().regex(/^https?:\/\/\S+$/, 'must be an http(s) URL')
const service = z.strictObject({
  id: id.optional(),
  name: id,
  type: id,
  description: z.string().optional(),
  endpoints: z
    .array(
      z.strictObject({
        id: id.optional(),
        region: id,
        publicUrl: url,
        internalUrl: url.optional(),
        adminUrl: url.optional(),
        versionId: id.optional(),
      }),
    )
    .default([]),
})

const EMPTY: SeedIdentity = {
  domains: [],
  tenants: [],
  roles: [],
  users: [],
  accounts: [],
  applicationCredentials: [],
  catalog: [],
}

/** The `identity` member of a realm in a seed file. */
export const seedIdentity: z.ZodType<SeedIdentity> = z
  .strictObject({
    domains: z.array(domain).default([]),
    tenants: z.array(tenant).default([]),
    roles: z.array(role).default([]),
    users: z.array(user).default([]),
    accounts: z
      .array(z.strictObject({ id, mfaEnforcement: z.enum(['OPTIONAL', 'REQUIRED', 'RACKSPACE_MANDATED']) }))
      .default([]),
    applicationCredentials: z.array(appCredential).default([]),
    catalog: z.array(service).default([]),
  })
  .default({ ...EMPTY } as never)
