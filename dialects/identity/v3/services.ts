import type { Answer } from '../../wire/answer.ts'
import { untilFresh } from '../../wire/dialect.ts'
import type { Call, Reply } from '../call.ts'
import {
  IDENTITY_ENDPOINTS,
  IDENTITY_SERVICES,
  type IdentityEndpoint,
  type IdentityService,
} from '../directory/catalog.ts'
import { asActing } from './acting.ts'
import { forbidden, malformed, missing, success } from './answers.ts'
import { isNamed, type ListAsk, listAsk, listBody, pageOf } from './paging.ts'
import { endpointJson, serviceJson } from './record-json.ts'
import { readsAll } from './scopes/power.ts'
import {
  type EndpointJson,
  endpointsOf,
  IDENTITY_SERVICE,
  INTERFACES,
  identityEndpoints,
} from './tokens/catalog.ts'

/** `GET /v3/services`: the services of catalogs, for callers who govern or read everything. */
export function listServices(call: Call): Promise<Answer> {
  return asReading(call, async (ask) => {
    const fits = ({ name, type }: IdentityService): boolean =>
      isNamed(ask, 'name', name) && isNamed(ask, 'type', type)
    const { values, next } = await pageOf(call.realm, IDENTITY_SERVICES, {
      ask,
      fits,
      beside: [IDENTITY_SERVICE],
    })
    return success(200, listBody(call.request, 'services', { items: values.map(serviceJson(call)), next }))
  })
}

/** `GET /v3/services/{id}`. */
export function showService(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return asReading(call, async () => {
    const known = id === IDENTITY_SERVICE.id ? IDENTITY_SERVICE : undefined
    const service = known ?? (await call.realm.directory.get(IDENTITY_SERVICES, id))?.value
    return service === undefined ? missing('service') : success(200, { service: serviceJson(call)(service) })
  })
}

/** `GET /v3/endpoints`: each record gives up to three, and a page ends with a whole record. */
export function listEndpoints(call: Call): Promise<Answer> {
  return asReading(call, async (ask) => {
    const serviceId = ask.filters.get('service_id')
    const { values, next } = await pageOf(call.realm, IDENTITY_ENDPOINTS, {
      ask,
      ...(serviceId === undefined ? {} : { listed: { name: 'service', value: serviceId } }),
      fits: (endpoint: IdentityEndpoint) => endpoint.enabled,
    })
    const own =
      ask.marker === undefined && isNamed(ask, 'service_id', IDENTITY_SERVICE.id)
        ? identityEndpoints(call)
        : []
    const items = [
      ...own.map((endpoint) => ({ serviceId: IDENTITY_SERVICE.id, endpoint })),
      ...values.flatMap((value) =>
        endpointsOf(value).map((endpoint) => ({ serviceId: value.serviceId, endpoint })),
      ),
    ].filter(({ endpoint }) => isAsked(ask, endpoint))
    return success(200, listBody(call.request, 'endpoints', { items: items.map(endpointJson(call)), next }))
  })
}

function isAsked(ask: ListAsk, endpoint: EndpointJson): boolean {
  return isNamed(ask, 'interface', endpoint.interface) && isNamed(ask, 'region_id', endpoint.region_id)
}

/** `GET /v3/endpoints/{id}`: the id is the record's id and the interface. */
export function showEndpoint(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return asReading(call, async () => {
    const own = identityEndpoints(call).find((endpoint) => endpoint.id === id)
    if (own !== undefined)
      return success(200, {
        endpoint: endpointJson(call)({ serviceId: IDENTITY_SERVICE.id, endpoint: own }),
      })
    const name = INTERFACES.find((one) => id.endsWith(`-${one}`))
    const recordId = name === undefined ? '' : id.slice(0, -name.length - 1)
    const record = (await call.realm.directory.get(IDENTITY_ENDPOINTS, recordId))?.value
    const endpoint = record?.enabled === true ? endpointsOf(record).find((one) => one.id === id) : undefined
    if (record === undefined || endpoint === undefined) return missing('endpoint')
    return success(200, { endpoint: endpointJson(call)({ serviceId: record.serviceId, endpoint }) })
  })
}

function asReading(call: Call, next: (ask: ListAsk) => Reply): Promise<Answer> {
  const ask = listAsk(call.request)
  return untilFresh(() =>
    asActing(call, ({ power }) => {
      if (ask.kind === 'malformed') return malformed(ask.detail)
      return readsAll(power) ? next(ask) : forbidden()
    }),
  )
}
