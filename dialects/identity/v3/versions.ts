import type { Answer } from '../../wire/answer.ts'
import type { Call } from '../call.ts'
import { success } from './answers.ts'

/** The API of Keystone that this one is modelled on; clients read it and ask for nothing newer. */
const VERSION = 'v3.14'
const UPDATED = '2020-04-07T00:00:00Z'

/** `GET /v3`. */
export function version({ request }: Call): Answer {
  return success(200, { version: describedV3(request.base) })
}

/** v3 as version documents show it, its link under the base that the client dialled. */
export function describedV3(base: string): object {
  return {
    id: VERSION,
    status: 'stable',
    updated: UPDATED,
    links: [{ rel: 'self', href: `${base}/v3/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
  }
}
