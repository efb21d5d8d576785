import type { Realm } from '@rescind/authority'
import { type TokenRecord, unreachable } from '@rescind/core'
import { IDENTITY_APP_CREDENTIALS, type IdentityAppCredential } from '../../directory/app-credentials.ts'
import { domainAt, type IdentityDomain } from '../../directory/domains.ts'
import { isGlobal, rolesInTenant, rolesOn } from '../../directory/grants.ts'
import { appCredentialOf } from '../../directory/names.ts'
import { ADMIN_ROLE_IDS, builtInRole, grantedRole, type IdentityRole } from '../../directory/roles.ts'
import { domainOfTenant, type IdentityTenant, tenantById } from '../../directory/tenants.ts'
import type { IdentityUser } from '../../directory/users.ts'
import { type Scope, scopeOf } from './scope.ts'

/** A scope, and the user's current roles in it. */
export type ScopeGrant = {
  readonly scope: Scope
  readonly roles: readonly IdentityRole[]
  readonly project: IdentityTenant | undefined
  /** The project's domain, or the scope itself. */
  readonly domain: IdentityDomain | undefined
  /** The application credential that narrows the roles. */
  readonly credential: IdentityAppCredential | undefined
}

/** The current roles of a token: a role taken away does not live on in it (CVE-2012-4413). */
export function grantedBy(realm: Realm, record: TokenRecord, user: IdentityUser): Promise<ScopeGrant> {
  const scope = scopeOf(record)
  const credentialId = appCredentialOf(record.client)
  return credentialId === undefined
    ? grantIn(realm, user, { scope, credential: undefined })
    : grantedByCredential(realm, user, { scope, credentialId })
}

async function grantedByCredential(
  realm: Realm,
  user: IdentityUser,
  { scope, credentialId }: { readonly scope: Scope; readonly credentialId: string },
): Promise<ScopeGrant> {
  const entry = await realm.directory.get(IDENTITY_APP_CREDENTIALS, credentialId)
  // Deleting the credential ends the token. Until then the token grants nothing.
  return entry === undefined ? NOTHING : grantIn(realm, user, { scope, credential: entry.value })
}

const NOTHING: ScopeGrant = {
  scope: { kind: 'unscoped' },
  roles: [],
  project: undefined,
  domain: undefined,
  credential: undefined,
}

export type Narrowed = { readonly scope: Scope; readonly credential: IdentityAppCredential | undefined }

export async function grantIn(
  realm: Realm,
  user: IdentityUser,
  { scope, credential }: Narrowed,
): Promise<ScopeGrant> {
  const held = roleIdsIn(user, scope)
  const ids = credential === undefined ? held : held.filter((id) => credential.roleIds.includes(id))
  const roles: IdentityRole[] = []
  for (const id of ids) roles.push(builtInRole(id) ?? (await grantedRole(realm, id)))
  const project = scope.kind === 'project' ? await tenantById(realm, scope.id) : undefined
  const domainId =
    scope.kind === 'domain' ? scope.id : project === undefined ? undefined : domainOfTenant(project)
  const domain = domainId === undefined ? undefined : (await domainAt(realm, domainId)).domain
  return { scope, roles, project, domain, credential }
}

/** Callers who govern everything may scope a token to any domain and to the system. */
function roleIdsIn(user: IdentityUser, scope: Scope): readonly string[] {
  switch (scope.kind) {
    case 'unscoped':
      return []
    case 'project':
      return rolesInTenant(user, scope.id)
    case 'domain':
      return [...new Set([...rolesOn(user, { domainId: scope.id }), ...governing(user)])]
    case 'system':
      return [...new Set([...rolesOn(user, { system: true }), ...governing(user)])]
    default:
      return unreachable(scope)
  }
}

function governing(user: IdentityUser): readonly string[] {
  const isGoverning = user.grants.some((grant) => isGlobal(grant) && ADMIN_ROLE_IDS.includes(grant.roleId))
  return isGoverning ? rolesOn(user, {}) : []
}
