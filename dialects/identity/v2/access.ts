import type { Realm } from '@rescind/authority'
import type { TokenRecord } from '@rescind/core'
import { formatInstant } from '@rescind/core/bytes'
import { type Answer, jsonAnswer } from '../../wire/answer.ts'
import type { Call } from '../call.ts'
import type { IdentityTenant } from '../directory/tenants.ts'
import { accountOf, type IdentityUser, userById } from '../directory/users.ts'
import { isSwitchedOn } from '../session/naming.ts'
import { catalogOf, serviceCatalog } from './catalog.ts'
import { VARY } from './faults.ts'
import { rolesJson, rolesOfToken } from './role-json.ts'

/** The parts of an `access` document. `id` is the token's text, from the request or just minted. */
export type AccessParts = {
  readonly id: string
  readonly record: TokenRecord
  readonly user: IdentityUser
  readonly tenant: IdentityTenant | undefined
}

/** `with-catalog` after a login, `without-catalog` after a validation, as at the vendor. */
export type AccessForm = 'with-catalog' | 'without-catalog'

export async function accessAnswer(call: Call, parts: AccessParts, form: AccessForm): Promise<Answer> {
  const { realm, request, settings } = call
  const { record, tenant } = parts
  const roles = await rolesOfToken(realm, record, parts.user)
  const impersonatorId = record.claims?.['impersonator']
  const impersonated = typeof impersonatorId === 'string' ? await impersonator(realm, impersonatorId) : {}
  const user = userOf(parts.user, { roles, region: settings.region })
  const access = { token: tokenOf(parts), user, ...impersonated }
  if (form === 'without-catalog' || !isSwitchedOn(request.query, 'include_endpoints'))
    return jsonAnswer(200, { access }, VARY)
  const entries = await catalogOf(call, tenant)
  return jsonAnswer(200, { access: { ...access, serviceCatalog: serviceCatalog(entries) } }, VARY)
}

/** Members that are undefined are left out of the JSON. */
function tokenOf({ id, record, tenant }: AccessParts): object {
  const chain = record.claims?.['chain']
  return {
    id,
    expires: formatInstant(record.expiresAtMs),
    issued_at: formatInstant(record.issuedAtMs),
    tenant: tenant === undefined ? undefined : { id: tenant.id, name: tenant.name },
    'RAX-AUTH:authenticatedBy': record.authenticatedBy ?? [],
    audit_ids: typeof chain === 'string' ? [record.handle, chain] : [record.handle],
  }
}

function userOf(
  user: IdentityUser,
  { roles, region }: { readonly roles: readonly object[]; readonly region: string },
): object {
  return {
    id: user.id,
    name: user.username,
    'RAX-AUTH:defaultRegion': user.defaultRegion ?? region,
    'RAX-AUTH:domainId': accountOf(user),
    roles,
  }
}

/** The member for an impersonating user. A deleted one is left out; the token ended with that user. */
async function impersonator(realm: Realm, id: string): Promise<object> {
  const user = await userById(realm, id)
  if (user === undefined) return {}
  return { 'RAX-AUTH:impersonator': { id, name: user.username, roles: await rolesJson(realm, user) } }
}
