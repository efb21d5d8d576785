import type { Collection } from '@rescind/authority'

/** A service for catalogs. The Identity service needs no record. */
export type IdentityService = {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly description?: string
}

/** A service's URLs in one region. They may contain `%(tenant_id)s`, `$(project_id)s` and the like. */
export type IdentityEndpoint = {
  readonly id: string
  readonly serviceId: string
  readonly region: string
  readonly publicUrl: string
  readonly internalUrl?: string
  readonly adminUrl?: string
  readonly versionId?: string
  readonly enabled: boolean
}

export const IDENTITY_SERVICES: Collection<IdentityService> = {
  name: 'identityServices',
  keys: () => [],
}

export const IDENTITY_ENDPOINTS: Collection<IdentityEndpoint> = {
  name: 'identityEndpoints',
  keys: () => [],
  lists: ({ serviceId }) => [{ name: 'service', value: serviceId }],
}
