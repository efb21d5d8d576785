import type { OauthClient } from './directory.ts'
import type { Lists } from './endpoint-body.ts'

/** Targets that one request may name. */
const TARGETS_MAX = 16
export const TARGET_MAX_CHARS = 256

export type Targets =
  | { readonly kind: 'targets'; readonly audience: readonly string[] | undefined }
  | { readonly kind: 'refused' }

/**
 * Whom the tokens are to be meant for: what `resource` (RFC 8707) and `audience` (RFC 8693) name, each within what
 * the client may have and, where a grant or a subject token is there already, within what that has. Nothing named:
 * all of it.
 */
export function targetsOf(
  lists: Lists,
  { audiences = [] }: OauthClient,
  within?: readonly string[],
): Targets {
  const resources = (lists.get('resource') ?? []).filter(isPresent)
  const asked = [...resources, ...(lists.get('audience') ?? []).filter(isPresent)]
  if (asked.length === 0) {
    const all = within ?? audiences
    return { kind: 'targets', audience: all.length === 0 ? undefined : all }
  }
  const fits = (one: string): boolean =>
    audiences.includes(one) && (within === undefined || within.includes(one))
  if (asked.length > TARGETS_MAX || !resources.every(isResource) || !asked.every(fits)) return REFUSED
  return { kind: 'targets', audience: [...new Set(asked)] }
}

const REFUSED: Targets = { kind: 'refused' }

function isPresent(text: string): boolean {
  return text !== ''
}

/** RFC 8707 §2: an absolute URI without a fragment. */
function isResource(text: string): boolean {
  return text.length <= TARGET_MAX_CHARS && URL.canParse(text) && !text.includes('#')
}
