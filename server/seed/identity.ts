import type { Realm } from '@rescind/authority'
import {
  IDENTITY_COLLECTIONS,
  identityTenantValue,
  identityUserValue,
  roleIdOfName,
  seededMfa,
} from '@rescind/dialects'
import { create, createAll, type Plan, plan } from './create.ts'
import type { SeedIdentity, SeedUser } from './identity-schema.ts'
import type { SeedSecret } from './parts.ts'

type Secrets = {
  readonly reveal: (secret: SeedSecret, of: string) => string
  readonly hashPassword: (password: string) => Promise<string>
}

/** The Identity directory of one realm. @returns how many records it created. */
export async function seedIdentityRecords(
  realm: Realm,
  given: SeedIdentity,
  secrets: Secrets,
): Promise<number> {
  const { domain, tenant, role, account } = IDENTITY_COLLECTIONS
  let created = 0
  created += await createAll(realm, given.domains, (value) =>
    plan({ collection: domain, id: value.id }, () => present(value)),
  )
  created += await createAll(realm, given.tenants, (value) =>
    plan({ collection: tenant, id: value.id }, () => identityTenantValue(present(value))),
  )
  for (const value of given.roles)
    created += await create(realm, { collection: role, id: value.id }, () => ({
      ...present(value),
      description: value.description ?? value.name,
    }))
  created += await createAll(realm, given.accounts, (value) =>
    plan({ collection: account, id: value.id }, () => value),
  )
  created += await createAll(realm, given.users, (user) => userPlan(realm, user, secrets))
  created += await seedAppCredentials(realm, given, secrets)
  return created + (await seedCatalog(realm, given))
}

function userPlan(realm: Realm, user: SeedUser, { reveal, hashPassword }: Secrets): Plan {
  return plan({ collection: IDENTITY_COLLECTIONS.user, id: user.id }, async () => {
    const { password, apiKey, mfa, grants, ...rest } = user
    const of = `Identity user ${user.username}`
    return identityUserValue(realm, {
      ...present(rest),
      grants: grants.map(({ role, ...scope }) => ({ roleId: roleIdOfName(role), ...present(scope) })),
      ...(apiKey === undefined ? {} : { apiKey: reveal(apiKey, of) }),
      ...(password === undefined ? {} : { passwordHash: await hashPassword(reveal(password, of)) }),
      ...(mfa === undefined
        ? {}
        : {
            mfa: seededMfa(realm, user.id, {
              isEnabled: mfa.enabled,
              enforcement: mfa.enforcement,
              totpBase32: mfa.totp === undefined ? undefined : reveal(mfa.totp, of),
            }),
          }),
    })
  })
}

async function seedAppCredentials(realm: Realm, given: SeedIdentity, { reveal }: Secrets): Promise<number> {
  let created = 0
  const collection = IDENTITY_COLLECTIONS.appCredential
  for (const { secret, roles, unrestricted, ...rest } of given.applicationCredentials) {
    created += await create(realm, { collection, id: rest.id }, () => ({
      ...rest,
      roleIds: roles.map(roleIdOfName),
      isUnrestricted: unrestricted,
      secretDigest: realm.secretDigest(reveal(secret, `application credential ${rest.id}`)),
    }))
  }
  return created
}

async function seedCatalog(realm: Realm, given: SeedIdentity): Promise<number> {
  const { service, endpoint } = IDENTITY_COLLECTIONS
  let created = 0
  for (const { endpoints, ...rest } of given.catalog) {
    const serviceId = rest.id ?? rest.name
    const value = { ...present(rest), id: serviceId }
    created += await create(realm, { collection: service, id: serviceId }, () => value)
    for (const one of endpoints) {
      const id = one.id ?? `${serviceId}:${one.region}`
      created += await create(realm, { collection: endpoint, id }, () => ({
        ...present(one),
        id,
        serviceId,
        enabled: true,
      }))
    }
  }
  return created
}

type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** Without members that are undefined: an absent member of the file is an absent member of the record. */
function present<T extends object>(value: T): Present<T> {
  // The type says what the loop does.
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Present<T>
}
