import { type Problem, problem } from '../../http/problem.ts'
import { CONTROL_KEYS } from '../../records/control-keys.ts'
import type { Ask } from './endpoint.ts'

/** Authors that act without a key. */
const ITSELF: ReadonlySet<string> = new Set(['server', 'operator'])

/**
 * Why a search by an author found nothing. An author that no key has or had is a mistake of the caller: an empty list
 * would claim that the author did nothing. Ids contain a colon.
 */
export async function unknownBy(
  { parts, by: asker }: Pick<Ask, 'parts' | 'by'>,
  by: string | undefined,
): Promise<Problem | undefined> {
  if (by === undefined || by.includes(':') || ITSELF.has(by)) return undefined
  for await (const { value } of parts.realms.system.directory.all(CONTROL_KEYS)) {
    const isVisible = asker.realm === undefined || asker.realm === value.realm
    if (isVisible && value.name === by) return undefined
  }
  return problem(
    422,
    'by: no control key is called so, or was when it did anything here; or say an id, as in control:key_…',
  )
}
