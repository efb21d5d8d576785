import type { Realm } from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import {
  IDENTITY_COLLECTIONS,
  identityTenantValue,
  identityUserValue,
  roleIdOfName,
  seededMfa,
} from '@rescind/dialects'
import { create, createAll, type Plan, plan } from '../../seed/create.ts'
import { type SeedPart, type SeedTools, seedPart } from '../../seed/parts.ts'
import { type SeedIdentity, type SeedUser, seedIdentity } from './seed-schema.ts'

/** The Identity directory of a realm. */
export const IDENTITY_SEED: SeedPart = seedPart({
  members: { identity: seedIdentity },
  create: (realm, { identity }, tools) => seedRecords(realm, identity, tools),
})

/** @returns how many records it created. */
async function seedRecords(realm: Realm, given: SeedIdentity, secrets: SeedTools): Promise<number> {
  const { domain, tenant, role, account } = IDENTITY_COLLECTIONS
  let created = 0
  created += await createAll(realm, given.domains, (value) =>
    plan({ collection: domain, id: value.id }, () => defined(value)),
  )
  created += await createAll(realm, given.tenants, (value) =>
    plan({ collection: tenant, id: value.id }, () => identityTenantValue(defined(value))),
  )
  for (const value of given.roles)
    created += await create(realm, { collection: role, id: value.id }, () => ({
      ...defined(value),
      description: value.description ?? value.name,
    }))
  created += await createAll(realm, given.accounts, (value) =>
    plan({ collection: account, id: value.id }, () => value),
  )
  created += await createAll(realm, given.users, (user) => userPlan(realm, user, secrets))
  created += await seedAppCredentials(realm, given, secrets)
  return created + (await seedCatalog(realm, given))
}

function userPlan(realm: Realm, user: SeedUser, { reveal, hashPassword }: SeedTools): Plan {
  return plan({ collection: IDENTITY_COLLECTIONS.user, id: user.id }, async () => {
    const { password, apiKey, mfa, grants, ...rest } = user
    const of = `Identity user ${user.username}`
    return identityUserValue(realm, {
      ...defined(rest),
      grants: grants.map(({ role, ...scope }) => ({ roleId: roleIdOfName(role), ...defined(scope) })),
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

async function seedAppCredentials(realm: Realm, given: SeedIdentity, { reveal }: SeedTools): Promise<number> {
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
    const value = { ...defined(rest), id: serviceId }
    created += await create(realm, { collection: service, id: serviceId }, () => value)
    for (const one of endpoints) {
      const id = one.id ?? `${serviceId}:${one.region}`
      created += await create(realm, { collection: endpoint, id }, () => ({
        ...defined(one),
        id,
        serviceId,
        enabled: true,
      }))
    }
  }
  return created
}
