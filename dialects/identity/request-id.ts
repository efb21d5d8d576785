import type { Realm } from '@rescind/authority'
import type { Answer } from '../wire/answer.ts'

const REQUEST_ID_BYTES = 16

/** `x-openstack-request-id`, which OpenStack clients write to their logs. */
export function withRequestId(realm: Realm, answer: Answer): Answer {
  const hex = realm.random.bytes(REQUEST_ID_BYTES).toString('hex')
  const groups = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
  return { ...answer, headers: { ...answer.headers, 'x-openstack-request-id': `req-${groups.join('-')}` } }
}
