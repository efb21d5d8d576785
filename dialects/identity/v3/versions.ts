import type { Answer } from '../../wire/answer.ts'
import type { Call } from '../call.ts'
import { describedV3 } from '../described.ts'
import { success } from './answers.ts'

/** `GET /v3`. */
export function version({ request }: Call): Answer {
  return success(200, { version: describedV3(request.base) })
}
