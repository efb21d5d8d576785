import type { Expectation, Realm } from '@rescind/authority'
import { domainAt } from '../directory/domains.ts'
import { isMemberOf, isV3Admin, tenantsOf } from '../directory/grants.ts'
import { settled } from '../directory/home.ts'
import { domainOfTenant, IDENTITY_TENANTS, type IdentityTenant, tenantAt } from '../directory/tenants.ts'
import type { IdentityUser } from '../directory/users.ts'
import type { Named } from '../session/credentials.ts'

export type Scope =
  | {
      readonly kind: 'scope'
      readonly tenant: IdentityTenant | undefined
      /** The tenant's record version that was judged. */
      readonly expects: readonly Expectation[]
    }
  | { readonly kind: 'not-theirs'; readonly asked: string }

/**
 * The scope of a login: the named tenant, if the user has it, else the user's own, as clients expect. A tenant that is
 * disabled, or whose domain is, is refused. A deleted tenant no longer counts as own.
 */
export async function scopeOf(realm: Realm, user: IdentityUser, asked: Named | undefined): Promise<Scope> {
  const own = asked === undefined ? (await settled(realm, user)).tenantId : undefined
  if (asked === undefined && own === undefined) return NO_TENANT
  const id = asked === undefined ? own : await idNamed(realm, user, asked)
  const notTheirs: Scope = { kind: 'not-theirs', asked: asked?.value ?? own ?? '' }
  if (id === undefined) return notTheirs
  const { tenant, version } = await tenantAt(realm, id)
  if (!tenant.enabled || !(await domainAt(realm, domainOfTenant(tenant))).domain.enabled) {
    // A closed project must not lock out administrators whose own project it is.
    return asked === undefined && isV3Admin(user) ? NO_TENANT : notTheirs
  }
  return { kind: 'scope', tenant, expects: [{ collection: IDENTITY_TENANTS.name, id, version }] }
}

const NO_TENANT: Scope = { kind: 'scope', tenant: undefined, expects: [] }

/** Searches only the user's own tenants, so that nothing shows whether another exists. */
async function idNamed(realm: Realm, user: IdentityUser, { by, value }: Named): Promise<string | undefined> {
  if (by === 'id') return isMemberOf(user, value) ? value : undefined
  for (const id of tenantsOf(user)) if ((await tenantAt(realm, id)).tenant.name === value) return id
  return undefined
}

export function notTheirs(asked: string, user: IdentityUser): string {
  return `Tenant with Name/Id: '${asked}' is not valid for User '${user.username}' (id: '${user.id}')`
}
