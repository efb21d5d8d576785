import { defined } from '@rescind/core/bytes'
import { type Answer, jsonAnswer } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import { isObject } from '../../../wire/strict-json.ts'
import type { Call } from '../../call.ts'
import {
  IDENTITY_ENDPOINTS,
  IDENTITY_SERVICES,
  type IdentityEndpoint,
  type IdentityService,
} from '../../directory/catalog.ts'
import { created, deleted } from '../../directory/changes.ts'
import { change, NO_CONTENT } from '../changing.ts'
import { bodyFault, fault, VARY } from '../faults.ts'
import { badMember, isName, textIn } from '../fields.ts'
import { readDocument } from '../format.ts'
import { listAnswer } from '../paging.ts'
import { asOperator } from '../permission.ts'
import { newId } from '../users/secrets.ts'

const SERVICE = 'OS-KSADM:service'

/** `GET /v2.0/OS-KSADM/services`. */
export function listServices(call: Call): Promise<Answer> {
  return untilFresh(() =>
    asOperator(call, () =>
      listAnswer(call, {
        name: 'OS-KSADM:services',
        collection: IDENTITY_SERVICES,
        isVisible: () => true,
        show: (service) => service,
      }),
    ),
  )
}

export function getService(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asOperator(call, async () => {
      const entry = await call.realm.directory.get(IDENTITY_SERVICES, id)
      return entry === undefined ? noService() : jsonAnswer(200, { [SERVICE]: entry.value }, VARY)
    }),
  )
}

export function createService(call: Call): Promise<Answer> {
  const read = readDocument(call.request)
  return untilFresh(() =>
    asOperator(call, (caller) => {
      if (read.kind !== 'body') return bodyFault(read)
      const given = read.body[SERVICE]
      const name = isObject(given) ? textIn(given, 'name') : undefined
      const type = isObject(given) ? textIn(given, 'type') : undefined
      if (!isObject(given) || name === undefined || type === undefined || !isName(name) || !isName(type))
        return fault('badRequest', `A "${SERVICE}" with "name" and "type" is needed.`)
      const description = textIn(given, 'description')
      const id = newId(call.realm)
      const service: IdentityService = {
        id,
        name,
        type,
        ...defined({ description }),
      }
      const changes = [created('service', id, { after: service })]
      return change(call, { caller, how: 'service.create', changes }, () =>
        jsonAnswer(200, { [SERVICE]: service }, VARY),
      )
    }),
  )
}

/** Deletes a service with its endpoints. */
export function deleteService(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asOperator(call, async (caller) => {
      const entry = await call.realm.directory.get(IDENTITY_SERVICES, id)
      if (entry === undefined) return noService()
      const endpoints = []
      const listed = { name: 'service', value: id }
      for await (const one of call.realm.directory.listed(IDENTITY_ENDPOINTS, listed)) endpoints.push(one)
      const changes = [deleted('service', entry), ...endpoints.map((one) => deleted('endpoint', one))]
      return change(call, { caller, how: 'service.delete', changes }, () => NO_CONTENT)
    }),
  )
}

/** An endpoint with Keystone's member names, such as `publicurl`. */
function endpointJson(endpoint: IdentityEndpoint): object {
  const { id, serviceId, region, publicUrl, internalUrl, adminUrl, enabled } = endpoint
  return {
    id,
    service_id: serviceId,
    region,
    publicurl: publicUrl,
    ...defined({ internalurl: internalUrl, adminurl: adminUrl }),
    enabled,
  }
}

/** `GET /v2.0/endpoints`. */
export function listEndpoints(call: Call): Promise<Answer> {
  return untilFresh(() =>
    asOperator(call, () =>
      listAnswer(call, {
        name: 'endpoints',
        collection: IDENTITY_ENDPOINTS,
        isVisible: () => true,
        show: endpointJson,
      }),
    ),
  )
}

const URL_FORM = /^https?:\/\/\S+$/

export function createEndpoint(call: Call): Promise<Answer> {
  const read = readDocument(call.request)
  return untilFresh(() =>
    asOperator(call, async (caller) => {
      if (read.kind !== 'body') return bodyFault(read)
      const given = read.body['endpoint']
      const members = { service_id: 'text', region: 'text', publicurl: 'text' } as const
      if (!isObject(given) || badMember(given, members) !== undefined) return malformedEndpoint()
      const [serviceId, region] = [textIn(given, 'service_id'), textIn(given, 'region')]
      const [publicUrl, internalUrl, adminUrl] = ['publicurl', 'internalurl', 'adminurl'].map((name) =>
        textIn(given, name),
      )
      const urls = [publicUrl, internalUrl, adminUrl].filter((url) => url !== undefined)
      if (serviceId === undefined || publicUrl === undefined || !urls.every((url) => URL_FORM.test(url)))
        return malformedEndpoint()
      if ((await call.realm.directory.get(IDENTITY_SERVICES, serviceId)) === undefined) return noService()
      const id = newId(call.realm)
      const endpoint: IdentityEndpoint = {
        id,
        serviceId,
        region: region ?? call.settings.region,
        publicUrl,
        ...defined({ internalUrl, adminUrl }),
        enabled: true,
      }
      const changes = [created('endpoint', id, { after: endpoint })]
      return change(call, { caller, how: 'endpoint.create', changes }, () =>
        jsonAnswer(200, { endpoint: endpointJson(endpoint) }, VARY),
      )
    }),
  )
}

export function deleteEndpoint(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asOperator(call, async (caller) => {
      const entry = await call.realm.directory.get(IDENTITY_ENDPOINTS, id)
      if (entry === undefined) return fault('itemNotFound', 'Endpoint not found.')
      const changes = [deleted('endpoint', entry)]
      return change(call, { caller, how: 'endpoint.delete', changes }, () => NO_CONTENT)
    }),
  )
}

function malformedEndpoint(): Answer {
  return fault('badRequest', 'An "endpoint" with "service_id" and "publicurl" is needed.')
}

function noService(): Answer {
  return fault('itemNotFound', 'Service not found.')
}
