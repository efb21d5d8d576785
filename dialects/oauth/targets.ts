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
  const named = asked.map((one) => {
    const known = spelled(one, audiences)
    return known === undefined || within === undefined ? known : spelled(known, within)
  })
  if (asked.length > TARGETS_MAX || !resources.every(isResource) || !named.every((one) => one !== undefined))
    return REFUSED
  return { kind: 'targets', audience: [...new Set(named)] }
}

/** What a list calls this target: the same text, or one that differs in no more than the slash of an empty path. */
export function spelled(target: string, list: readonly string[]): string | undefined {
  if (list.includes(target)) return target
  return list.find((one) => withPath(one) === withPath(target))
}

/** RFC 3986 §6.2.3: of http URIs an empty path and `/` are one. Clients add it, and take it away, unasked. */
function withPath(uri: string): string {
  const [, origin, query = ''] = WITHOUT_PATH.exec(uri) ?? []
  return origin === undefined ? uri : `${origin}/${query}`
}

const WITHOUT_PATH = /^(https?:\/\/[^/?#]+)(\?.*)?$/s

const REFUSED: Targets = { kind: 'refused' }

function isPresent(text: string): boolean {
  return text !== ''
}

/** RFC 8707 §2: an absolute URI without a fragment. */
function isResource(text: string): boolean {
  return text.length <= TARGET_MAX_CHARS && URL.canParse(text) && !text.includes('#')
}
