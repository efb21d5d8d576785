import { type Answer, jsonAnswer } from '../../wire/answer.ts'
import type { Call } from '../call.ts'
import { describedV2, describedV3 } from '../described.ts'
import { withRequestId } from '../request-id.ts'
import { VARY } from './faults.ts'

const MEDIA_TYPES: readonly object[] = [
  { base: 'application/json', type: 'application/vnd.openstack.identity-v2.0+json' },
  { base: 'application/xml', type: 'application/vnd.openstack.identity-v2.0+xml' },
]

/**
 * `GET /`. The vendor documents `version` and OpenStack's clients need `values`, so the answer has both. 300, as in
 * Keystone: there is a choice, with a preferred one. The document covers both versions, so it has v3's request id.
 */
export function versions({ realm, request }: Call): Answer {
  const v2 = { ...describedV2(request.base), 'media-types': MEDIA_TYPES }
  const version = [describedV3(request.base), v2]
  const headers = { ...VARY, location: `${request.base}/v3/` }
  return withRequestId(realm, jsonAnswer(300, { versions: { values: version, version } }, headers))
}

/** `GET /v2.0`. */
export function version({ request }: Call): Answer {
  const items = { ...describedV2(request.base), 'media-types': { values: MEDIA_TYPES } }
  return jsonAnswer(200, { version: items }, VARY)
}
