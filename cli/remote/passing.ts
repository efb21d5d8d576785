import type { CommandFailed } from '../frame/failure.ts'
import { Refused } from './problems.ts'

/** Whether repeating a call cannot help: the server has answered, and not that it is busy or away. */
export function isFinal(failure: CommandFailed): boolean {
  return (
    failure instanceof Refused && failure.status < 500 && failure.status !== 429 && failure.status !== 409
  )
}
