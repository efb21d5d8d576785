import type { WireRequest } from '../../../wire/request.ts'
import type { Call } from '../../call.ts'
import type { IdentityEndpoint, IdentityService } from '../../directory/catalog.ts'
import { catalogRecords } from '../../directory/catalog-records.ts'
import type { ScopeGrant } from '../scopes/scope-grant.ts'

/** The Identity service. It needs no record, because it is this server. */
export const IDENTITY_SERVICE: IdentityService = { id: 'identity', name: 'keystone', type: 'identity' }

export const INTERFACES = ['public', 'internal', 'admin'] as const
export type Interface = (typeof INTERFACES)[number]

export type CatalogForm = 'with-catalog' | 'without-catalog'

/** `?nocatalog`, which clients send without a value. */
export function catalogForm({ query }: WireRequest): CatalogForm {
  const names = (query ?? '').split('&').map((pair) => pair.split('=', 1)[0])
  return names.includes('nocatalog') ? 'without-catalog' : 'with-catalog'
}

export type EndpointJson = {
  readonly id: string
  readonly interface: Interface
  readonly region: string
  readonly region_id: string
  readonly url: string
}

/** The catalog of a scoped token. URLs with a project placeholder are omitted for tokens without a project. */
export async function catalogJson(call: Call, grant: ScopeGrant): Promise<readonly object[]> {
  const services = [serviceJson(IDENTITY_SERVICE, identityEndpoints(call))]
  for (const { service, endpoints } of await catalogRecords(call.realm)) {
    const own = endpoints.flatMap(endpointsOf).flatMap((one) => filledIn(one, grant) ?? [])
    if (own.length > 0) services.push(serviceJson(service, own))
  }
  return services
}

function serviceJson({ id, name, type }: IdentityService, endpoints: readonly EndpointJson[]): object {
  return { id, name, type, endpoints }
}

/** All three interfaces have the base that the client dialled, because middleware asks for `internal`. */
export function identityEndpoints({ request, settings: { region } }: Call): readonly EndpointJson[] {
  const url = `${request.base}/v3`
  return INTERFACES.map((name) => ({
    id: `identity-${name}`,
    interface: name,
    region,
    region_id: region,
    url,
  }))
}

/** A record has up to three URLs; v3 shows an endpoint for each. */
export function endpointsOf(endpoint: IdentityEndpoint): readonly EndpointJson[] {
  const { id, region, publicUrl, internalUrl, adminUrl } = endpoint
  const urls = { public: publicUrl, internal: internalUrl, admin: adminUrl }
  return INTERFACES.flatMap((name) => {
    const url = urls[name]
    return url === undefined ? [] : [{ id: `${id}-${name}`, interface: name, region, region_id: region, url }]
  })
}

const PROJECT_PLACE = /[%$]\((?:tenant_id|project_id)\)s/g

function filledIn(endpoint: EndpointJson, { scope }: ScopeGrant): EndpointJson | undefined {
  if (!endpoint.url.includes(')s')) return endpoint
  if (scope.kind !== 'project') return undefined
  return { ...endpoint, url: endpoint.url.replaceAll(PROJECT_PLACE, encodeURIComponent(scope.id)) }
}
