import type { Realm } from '@rescind/authority'
import type { Position } from '@rescind/core'
import {
  IDENTITY_ENDPOINTS,
  IDENTITY_SERVICES,
  type IdentityEndpoint,
  type IdentityService,
} from './catalog.ts'

/** Endpoint records in a catalog. A realm with more shows the first ones by id. */
export const CATALOG_MAX = 1_000

/** A service with its endpoints. */
export type CatalogRecord = {
  readonly service: IdentityService
  readonly endpoints: readonly IdentityEndpoint[]
}

type Read = { readonly at: Position; readonly records: readonly CatalogRecord[] }
const READ: WeakMap<Realm, Read> = new WeakMap()

/**
 * The enabled endpoints of a realm, by service. They are cached until the log moves, because every change of a record
 * writes a row, and a catalog goes out with each login and most validations.
 */
export async function catalogRecords(realm: Realm): Promise<readonly CatalogRecord[]> {
  const at = realm.position()
  const known = READ.get(realm)
  if (known?.at === at) return known.records
  const byService = new Map<string, IdentityEndpoint[]>()
  let count = 0
  for await (const { value } of realm.directory.all(IDENTITY_ENDPOINTS)) {
    if (!value.enabled) continue
    byService.set(value.serviceId, [...(byService.get(value.serviceId) ?? []), value])
    count += 1
    if (count >= CATALOG_MAX) break
  }
  const records: CatalogRecord[] = []
  for (const [id, endpoints] of byService) {
    const service = (await realm.directory.get(IDENTITY_SERVICES, id))?.value
    if (service !== undefined) records.push({ service, endpoints })
  }
  records.sort((one, other) => (one.service.id < other.service.id ? -1 : 1))
  READ.set(realm, { at, records })
  return records
}
