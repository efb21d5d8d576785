import type { Realm } from '@rescind/authority'
import type { Answer } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import type { Call } from '../../call.ts'
import { domainAt, type IdentityDomain } from '../../directory/domains.ts'
import { rolesOn, tenantsOf } from '../../directory/grants.ts'
import { domainOfTenant, type IdentityTenant, tenantById } from '../../directory/tenants.ts'
import type { IdentityUser } from '../../directory/users.ts'
import { asActing } from '../acting.ts'
import { forbidden, success } from '../answers.ts'
import { listBody } from '../paging.ts'
import { domainJson, projectJson } from '../record-json.ts'
import { catalogJson } from '../tokens/catalog.ts'
import { grantIn } from './scope-grant.ts'

/** `GET /v3/auth/projects`: projects that the caller may scope a token to. */
export function ownProjects(call: Call): Promise<Answer> {
  return untilFresh(() =>
    asActing(call, async ({ context, grant }) => {
      const only = grant.credential?.tenantId
      const projects = await openProjects(call.realm, context.user)
      const items = projects.filter(({ id }) => only === undefined || id === only).map(projectJson(call))
      return success(200, listBody(call.request, 'projects', { items, next: undefined }))
    }),
  )
}

/** `GET /v3/auth/domains`. */
export function ownDomains(call: Call): Promise<Answer> {
  return untilFresh(() =>
    asActing(call, async ({ context, grant }) => {
      const domains = grant.credential === undefined ? await openDomains(call.realm, context.user) : []
      const items = domains.map(domainJson(call))
      return success(200, listBody(call.request, 'domains', { items, next: undefined }))
    }),
  )
}

/** `GET /v3/auth/system`. */
export function ownSystem(call: Call): Promise<Answer> {
  return untilFresh(() =>
    asActing(call, async ({ context, grant }) => {
      const { credential } = grant
      const { roles } = await grantIn(call.realm, context.user, {
        scope: { kind: 'system' },
        credential: undefined,
      })
      const system = roles.length > 0 && credential === undefined ? [{ all: true }] : []
      return success(200, { system, links: { self: `${call.request.base}${call.request.path}` } })
    }),
  )
}

/** `GET /v3/auth/catalog`. */
export function ownCatalog(call: Call): Promise<Answer> {
  return untilFresh(() =>
    asActing(call, async ({ grant }) => {
      if (grant.scope.kind !== 'project')
        return forbidden('A project-scoped token is required to produce a service catalog.')
      const catalog = await catalogJson(call, grant)
      return success(200, { catalog, links: { self: `${call.request.base}${call.request.path}` } })
    }),
  )
}

/** Enabled projects of enabled domains. A user's grants are bounded, so this is one page. */
export async function openProjects(realm: Realm, user: IdentityUser): Promise<readonly IdentityTenant[]> {
  const projects: IdentityTenant[] = []
  for (const id of tenantsOf(user)) {
    const tenant = await tenantById(realm, id)
    if (tenant.enabled && (await domainAt(realm, domainOfTenant(tenant))).domain.enabled)
      projects.push(tenant)
  }
  return projects
}

async function openDomains(realm: Realm, user: IdentityUser): Promise<readonly IdentityDomain[]> {
  const ids = new Set(user.grants.flatMap(({ domainId }) => domainId ?? []))
  const domains: IdentityDomain[] = []
  for (const id of ids) {
    const { domain } = await domainAt(realm, id)
    if (domain.enabled && rolesOn(user, { domainId: id }).length > 0) domains.push(domain)
  }
  return domains
}
