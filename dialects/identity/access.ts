import { type Awaitable, after, type Realm, type TokenRecord, unreachable } from '@rescind/core'
import { type Answer, jsonAnswer } from '../wire/answer.ts'
import { formatInstant } from '../wire/iso-date.ts'
import type { Call } from './call.ts'
import { type Grant, isGlobal } from './directory/grants.ts'
import { grantedRole, type IdentityRole } from './directory/roles.ts'
import { accountOf, type IdentityTenant, type IdentityUser } from './directory.ts'
import { VARY } from './faults.ts'

/** What an `access` document is made of. `id` is the token's text: from the caller's hand, or just minted. */
export type Shown = {
  readonly id: string
  readonly record: TokenRecord
  readonly user: IdentityUser
  readonly tenant: IdentityTenant | undefined
}

/** `with-catalog` after a login, `without-catalog` when a token was validated, as the vendor has it. */
export type AccessForm = 'with-catalog' | 'without-catalog'

export function accessAnswer(call: Call, shown: Shown, form: AccessForm): Awaitable<Answer> {
  return after(shownRoles(call.realm, shown.user), (roles) => answerOf(call, { ...shown, roles }, form))
}

type WithRoles = Shown & { readonly roles: readonly object[] }

function answerOf(call: Call, shown: WithRoles, form: AccessForm): Answer {
  const region = call.settings.region
  const access = { token: tokenOf(shown), user: userOf(shown, region) }
  switch (form) {
    case 'without-catalog':
      return jsonAnswer(200, { access }, VARY)
    case 'with-catalog': {
      const serviceCatalog = catalogOf(call, shown.tenant)
      return jsonAnswer(200, { access: { ...access, serviceCatalog } }, VARY)
    }
    default:
      return unreachable(form)
  }
}

function tokenOf({ id, record, tenant }: Shown): object {
  return {
    id,
    expires: formatInstant(record.expiresAtMs),
    issued_at: formatInstant(record.issuedAtMs),
    ...(tenant === undefined ? {} : { tenant: { id: tenant.id, name: tenant.name } }),
    'RAX-AUTH:authenticatedBy': record.authenticatedBy ?? [],
    audit_ids: [record.handle],
  }
}

function userOf({ user, roles }: WithRoles, region: string): object {
  const account = accountOf(user)
  return {
    id: user.id,
    name: user.username,
    'RAX-AUTH:defaultRegion': region,
    ...(account === undefined ? {} : { 'RAX-AUTH:domainId': account }),
    roles,
  }
}

/**
 * Roles as they are now: one that was taken away does not live on in a token (CVE-2012-4413). v2.0 knows roles
 * everywhere and on tenants; those on v3's domains and on the system are not its affair.
 */
function shownRoles(realm: Realm, user: IdentityUser): Awaitable<readonly object[]> {
  const grants = user.grants.filter((grant) => isGlobal(grant) || grant.tenantId !== undefined)
  const shown: object[] = []
  const from = (start: number): Awaitable<readonly object[]> => {
    for (let at = start; at < grants.length; at += 1) {
      const grant = grants[at] as Grant
      const role = grantedRole(realm, grant.roleId)
      if (role instanceof Promise)
        return role.then((found) => {
          shown.push(shownRole(found, grant))
          return from(at + 1)
        })
      shown.push(shownRole(role, grant))
    }
    return shown
  }
  return from(0)
}

function shownRole({ id, name, description, serviceId }: IdentityRole, { tenantId }: Grant): object {
  return {
    id,
    name,
    description,
    ...(tenantId === undefined ? {} : { tenantId }),
    ...(serviceId === undefined ? {} : { serviceId }),
  }
}

/**
 * The one service there is, under the base that the client dialled. All three addresses stand there:
 * keystoneclient asks for adminURL and does not fall back to another.
 */
function catalogOf({ request, settings }: Call, tenant: IdentityTenant | undefined): object[] {
  const url = `${request.base}/v2.0`
  const endpoint = {
    region: settings.region,
    ...(tenant === undefined ? {} : { tenantId: tenant.id }),
    publicURL: url,
    internalURL: url,
    adminURL: url,
    versionId: '2.0',
  }
  return [{ name: 'cloudIdentity', type: 'identity', endpoints: [endpoint], endpoints_links: [] }]
}
