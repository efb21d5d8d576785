import { ROOT, SEED } from '../../kit/seed.ts'

export const USERS_MAX = 24

/** Users who can be disabled, each by an API key: a password would cost some 30 ms a login. */
export type DrillUser = { readonly id: string; readonly username: string; readonly apiKey: string }

export const USERS: readonly DrillUser[] = Array.from({ length: USERS_MAX }, (_, nth) => ({
  id: `drill-${nth}`,
  username: `drill-user-${nth}`,
  apiKey: `drill-user-${nth}-api-key-0123456789`,
}))

export const ADMIN: DrillUser = {
  id: 'drill-admin',
  username: 'drill-admin',
  apiKey: 'drill-admin-api-key-0123456789',
}

type SeedRealm = {
  readonly identity: { readonly users: readonly unknown[]; readonly tenants: readonly unknown[] }
}

/** The seed of the tests, with more users. */
export function drillSeed(): unknown {
  const [realm] = SEED.realms as readonly SeedRealm[]
  if (realm === undefined) throw new Error('the seed has no realm')
  const { identity } = realm
  const users = [
    ...identity.users,
    { ...seedUser(ADMIN), roles: ['identity:admin'] },
    ...USERS.map((user) => ({ ...seedUser(user), roles: ['identity:default'] })),
  ]
  return { realms: [{ ...realm, identity: { ...identity, users } }] }
}

function seedUser({ id, username, apiKey }: DrillUser): Readonly<Record<string, unknown>> {
  return {
    id,
    username,
    apiKey,
    password: `${username}-password-0123456789`,
    tenantId: ROOT.tenant,
    enabled: true,
  }
}
