/**
 * The Identity directory of v2.0 and v3. Records are read by functions in their own files in `directory/`, and written
 * only by `writeDirectory`, which adds every revocation that follows from a change.
 */
export { rankOf } from './grants.ts'
export { IDENTITY } from './names.ts'
export {
  IDENTITY_TENANTS,
  type IdentityTenant,
  identityTenantValue,
  type NewIdentityTenant,
  tenantById,
} from './tenants.ts'
export {
  accountOf,
  IDENTITY_USERS,
  type IdentityUser,
  identityUserValue,
  type NewIdentityUser,
  unsealApiKey,
} from './users.ts'
