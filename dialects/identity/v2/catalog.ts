import type { Call } from '../call.ts'
import type { IdentityEndpoint, IdentityService } from '../directory/catalog.ts'
import { catalogRecords } from '../directory/catalog-records.ts'
import type { IdentityTenant } from '../directory/tenants.ts'

/** The Identity service. It is listed without a record. */
const IDENTITY_SERVICE: IdentityService = { id: 'identity', name: 'cloudIdentity', type: 'identity' }

export type CatalogEntry = {
  readonly service: IdentityService
  readonly endpoints: readonly EndpointJson[]
}

/** An endpoint in v2.0's form. */
export type EndpointJson = {
  readonly id: string
  readonly region: string
  readonly tenantId?: string
  readonly publicURL: string
  readonly internalURL?: string
  readonly adminURL?: string
  readonly versionId?: string
}

/**
 * The catalog of a token. The Identity endpoint has the base that the client dialled for all three URLs, because
 * keystoneclient requires adminURL. URLs with a tenant placeholder are omitted for tokens without a tenant.
 */
export async function catalogOf(
  call: Call,
  tenant: IdentityTenant | undefined,
): Promise<readonly CatalogEntry[]> {
  const entries: CatalogEntry[] = [{ service: IDENTITY_SERVICE, endpoints: [ownEndpoint(call, tenant)] }]
  for (const { service, endpoints } of await catalogRecords(call.realm)) {
    const listed = endpoints.flatMap((endpoint) => endpointJson(endpoint, tenant) ?? [])
    if (listed.length > 0) entries.push({ service, endpoints: listed })
  }
  return entries
}

/** `serviceCatalog` of an `access` document. */
export function serviceCatalog(entries: readonly CatalogEntry[]): readonly object[] {
  return entries.map(({ service: { name, type }, endpoints }) => ({
    name,
    type,
    endpoints: endpoints.map(({ id: _id, ...rest }) => rest),
    endpoints_links: [],
  }))
}

/** The flat list of `GET /v2.0/tokens/{id}/endpoints`. */
export function endpointList(entries: readonly CatalogEntry[]): readonly object[] {
  return entries.flatMap(({ service: { name, type }, endpoints }) =>
    endpoints.map(({ id, ...rest }) => ({ id, name, type, ...rest })),
  )
}

function ownEndpoint({ request, settings }: Call, tenant: IdentityTenant | undefined): EndpointJson {
  const url = `${request.base}/v2.0`
  return {
    id: 'identity',
    region: settings.region,
    ...(tenant === undefined ? {} : { tenantId: tenant.id }),
    publicURL: url,
    internalURL: url,
    adminURL: url,
    versionId: '2.0',
  }
}

const TENANT_PLACE = /[%$]\((?:tenant_id|project_id)\)s/g

function endpointJson(
  endpoint: IdentityEndpoint,
  tenant: IdentityTenant | undefined,
): EndpointJson | undefined {
  const { id, region, publicUrl, internalUrl, adminUrl, versionId } = endpoint
  const needsTenant = [publicUrl, internalUrl, adminUrl].some((url) => url?.includes(')s'))
  if (needsTenant && tenant === undefined) return undefined
  const filled = (url: string): string => url.replaceAll(TENANT_PLACE, encodeURIComponent(tenant?.id ?? ''))
  return {
    id,
    region,
    ...(needsTenant && tenant !== undefined ? { tenantId: tenant.id } : {}),
    publicURL: filled(publicUrl),
    ...(internalUrl === undefined ? {} : { internalURL: filled(internalUrl) }),
    ...(adminUrl === undefined ? {} : { adminURL: filled(adminUrl) }),
    ...(versionId === undefined ? {} : { versionId }),
  }
}
