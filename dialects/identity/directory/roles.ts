import { type Collection, type Realm, shaped } from '@rescind/authority'

export type IdentityRole = {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly serviceId?: string
  readonly domainId?: string
}

export const IDENTITY_ROLES: Collection<IdentityRole> = {
  name: 'identityRoles',
  keys: ({ name }) => [
    { name: 'name', value: name },
    // If two roles whose names differ only in case are created at once, the commit refuses one.
    { name: 'caseless', value: caseless(name) },
  ],
  isValue: shaped({ id: 'text', name: 'text' }, { serviceId: 'text', domainId: 'text' }),
}

/**
 * Ids of the built-in roles. The vendor publishes those of admin, default and user-admin; 4 and 7 are ours. The last
 * four are the roles in OpenStack's policies.
 */
export const ROLE_ID = {
  admin: '1',
  default: '2',
  userAdmin: '3',
  serviceAdmin: '4',
  userManage: '7',
  keystoneAdmin: 'admin',
  member: 'member',
  reader: 'reader',
  service: 'service',
} as const

/** Roles that need no record. */
export const BUILT_IN_ROLES: readonly IdentityRole[] = [
  { id: ROLE_ID.admin, name: 'identity:admin', description: 'Admin Role.' },
  { id: ROLE_ID.default, name: 'identity:default', description: 'Default Role.' },
  { id: ROLE_ID.userAdmin, name: 'identity:user-admin', description: 'User Admin Role.' },
  { id: ROLE_ID.serviceAdmin, name: 'identity:service-admin', description: 'Service Admin Role.' },
  { id: ROLE_ID.userManage, name: 'identity:user-manage', description: 'User Manage Role.' },
  { id: ROLE_ID.keystoneAdmin, name: 'admin', description: 'OpenStack administrator.' },
  { id: ROLE_ID.member, name: 'member', description: 'OpenStack member.' },
  { id: ROLE_ID.reader, name: 'reader', description: 'OpenStack reader.' },
  { id: ROLE_ID.service, name: 'service', description: 'OpenStack service.' },
]

/** `identity:admin`, `identity:service-admin` and Keystone's `admin`. */
export const ADMIN_ROLE_IDS: readonly string[] = [ROLE_ID.admin, ROLE_ID.serviceAdmin, ROLE_ID.keystoneAdmin]

/** Roles whose power over others exists in v3 only. */
export const KEYSTONE_POWER_ROLE_IDS: readonly string[] = [ROLE_ID.keystoneAdmin, ROLE_ID.service]

/** Roles whose power exceeds a v2.0 account on every scope. */
export const BEYOND_ACCOUNT_ROLE_IDS: readonly string[] = [...ADMIN_ROLE_IDS, ROLE_ID.service]

/** Roles with power over others: in v3 only administrators may grant or remove them. */
export const POWERFUL_ROLE_IDS: readonly string[] = [
  ...BEYOND_ACCOUNT_ROLE_IDS,
  ROLE_ID.userAdmin,
  ROLE_ID.userManage,
]

const BUILT_IN_BY_ID: ReadonlyMap<string, IdentityRole> = new Map(
  BUILT_IN_ROLES.map((role) => [role.id, role]),
)
const BUILT_IN_BY_NAME: ReadonlyMap<string, IdentityRole> = new Map(
  BUILT_IN_ROLES.map((role) => [role.name, role]),
)

export function builtInRole(id: string): IdentityRole | undefined {
  return BUILT_IN_BY_ID.get(id)
}

export function isBuiltInRole(id: string): boolean {
  return BUILT_IN_BY_ID.has(id)
}

/** The role id for a role name in a seed file; an unknown name is its own id. */
export function roleIdOfName(name: string): string {
  return BUILT_IN_BY_NAME.get(name)?.id ?? name
}

export async function roleById(realm: Realm, id: string): Promise<IdentityRole | undefined> {
  return BUILT_IN_BY_ID.get(id) ?? (await realm.directory.get(IDENTITY_ROLES, id))?.value
}

/** Names that differ only in case look the same to people and to Keystone's database. */
function caseless(name: string): string {
  return name.normalize('NFC').toLowerCase()
}

/**
 * Whether another role has this name in any case. Reads all roles, because records of earlier versions have no
 * `caseless` key.
 */
export async function isRoleNameTaken(realm: Realm, name: string, byOtherThan: string): Promise<boolean> {
  const wanted = caseless(name)
  const isSame = (role: IdentityRole): boolean => role.id !== byOtherThan && caseless(role.name) === wanted
  if (BUILT_IN_ROLES.some(isSame)) return true
  for await (const { value } of realm.directory.all(IDENTITY_ROLES)) if (isSame(value)) return true
  return false
}

/** The role of a grant, as answers show it; without a record its id is its name. */
export async function grantedRole(realm: Realm, id: string): Promise<IdentityRole> {
  return (await roleById(realm, id)) ?? { id, name: id, description: id }
}

/** Several roles in this order. Built-in ones need no await, because validating a token comes through here. */
export async function grantedRoles(realm: Realm, ids: readonly string[]): Promise<readonly IdentityRole[]> {
  const roles: IdentityRole[] = []
  for (const id of ids) roles.push(BUILT_IN_BY_ID.get(id) ?? (await grantedRole(realm, id)))
  return roles
}
