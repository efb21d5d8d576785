import type { Call } from '../call.ts'
import type { IdentityAppCredential } from '../directory/app-credentials.ts'
import type { IdentityService } from '../directory/catalog.ts'
import type { IdentityDomain } from '../directory/domains.ts'
import { settled } from '../directory/home.ts'
import type { IdentityRole } from '../directory/roles.ts'
import { domainOfTenant, type IdentityTenant } from '../directory/tenants.ts'
import type { IdentityUser } from '../directory/users.ts'
import type { EndpointJson } from './tokens/catalog.ts'
import { microInstant } from './tokens/instant.ts'

/** Records in v3's form: without secrets, and with a link to themselves. */
type ToJson<T> = (call: Call) => (value: T) => object

export async function userJson(call: Call, given: IdentityUser): Promise<object> {
  const user = await settled(call.realm, given)
  return {
    id: user.id,
    name: user.username,
    domain_id: user.domainId,
    enabled: user.enabled,
    password_expires_at: null,
    options: {},
    ...(user.email === undefined ? {} : { email: user.email }),
    ...(user.description === undefined ? {} : { description: user.description }),
    ...(user.tenantId === undefined ? {} : { default_project_id: user.tenantId }),
    links: self(call, `users/${encodeURIComponent(user.id)}`),
  }
}

export const projectJson: ToJson<IdentityTenant> = (call) => (project) => ({
  id: project.id,
  name: project.name,
  domain_id: domainOfTenant(project),
  parent_id: domainOfTenant(project),
  description: project.description ?? '',
  enabled: project.enabled,
  is_domain: false,
  tags: [],
  options: {},
  links: self(call, `projects/${encodeURIComponent(project.id)}`),
})

export const domainJson: ToJson<IdentityDomain> = (call) => (domain) => ({
  id: domain.id,
  name: domain.name,
  description: domain.description ?? '',
  enabled: domain.enabled,
  tags: [],
  options: {},
  links: self(call, `domains/${encodeURIComponent(domain.id)}`),
})

export const roleJson: ToJson<IdentityRole> = (call) => (role) => ({
  id: role.id,
  name: role.name,
  domain_id: null,
  description: role.description,
  options: {},
  links: self(call, `roles/${encodeURIComponent(role.id)}`),
})

export const credentialJson: ToJson<{
  readonly credential: IdentityAppCredential
  readonly roles: readonly IdentityRole[]
}> =
  (call) =>
  ({ credential, roles }) => ({
    id: credential.id,
    name: credential.name,
    description: credential.description ?? null,
    project_id: credential.tenantId,
    user_id: credential.userId,
    expires_at: credential.expiresAtMs === undefined ? null : microInstant(credential.expiresAtMs),
    unrestricted: credential.isUnrestricted,
    roles: roles.map(({ id, name }) => ({ id, name, domain_id: null })),
    links: self(
      call,
      `users/${encodeURIComponent(credential.userId)}/application_credentials/${encodeURIComponent(credential.id)}`,
    ),
  })

export const serviceJson: ToJson<IdentityService> = (call) => (service) => ({
  id: service.id,
  name: service.name,
  type: service.type,
  description: service.description ?? '',
  enabled: true,
  links: self(call, `services/${encodeURIComponent(service.id)}`),
})

export const endpointJson: ToJson<{ readonly serviceId: string; readonly endpoint: EndpointJson }> =
  (call) =>
  ({ serviceId, endpoint }) => ({
    ...endpoint,
    service_id: serviceId,
    enabled: true,
    links: self(call, `endpoints/${encodeURIComponent(endpoint.id)}`),
  })

function self({ request }: Call, path: string): object {
  return { self: `${request.base}/v3/${path}` }
}
