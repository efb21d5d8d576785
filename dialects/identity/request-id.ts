import type { Realm } from '@rescind/authority'
import type { Answer } from '../wire/answer.ts'

const REQUEST_ID_BYTES = 16

/** `x-openstack-request-id`, by which OpenStack's clients name a request in their own logs. */
export function withRequestId(realm: Realm, answer: Answer): Answer {
  const hex = realm.random.bytes(REQUEST_ID_BYTES).toString('hex')
  const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  return { ...answer, headers: { ...answer.headers, 'x-openstack-request-id': `req-${uuid}` } }
}
