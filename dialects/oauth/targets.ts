import type { OauthClient } from './directory.ts'
import type { Lists } from './endpoint-body.ts'

/** Targets per request. */
const TARGETS_MAX = 16
export const TARGET_MAX_CHARS = 256

export type Targets =
  | { readonly kind: 'targets'; readonly audience: readonly string[] | undefined }
  | { readonly kind: 'refused' }

/**
 * The audience of new tokens: the targets that `resource` (RFC 8707) and `audience` (RFC 8693) name. Each must be
 * allowed for the client and be among those of the parent token. A request that names none gets all of these. An
 * audience only shrinks from token to token: a token without one stays without one in its descendants, whatever the
 * client may have by now.
 */
export function targetsOf(
  lists: Lists,
  { audiences = [] }: OauthClient,
  within: readonly string[] = audiences,
): Targets {
  const resources = (lists.get('resource') ?? []).filter(isPresent)
  const asked = [...resources, ...(lists.get('audience') ?? []).filter(isPresent)]
  if (asked.length === 0) return { kind: 'targets', audience: within.length === 0 ? undefined : within }
  const named = asked.map((one) => {
    const known = spelled(one, audiences)
    return known === undefined ? undefined : spelled(known, within)
  })
  if (asked.length > TARGETS_MAX || !resources.every(isResource) || !named.every((one) => one !== undefined))
    return REFUSED
  return { kind: 'targets', audience: [...new Set(named)] }
}

/** The same for later tokens of a grant: within its audience, as far as the client may still have it. */
export function targetsInGrant(
  lists: Lists,
  client: OauthClient,
  granted: readonly string[] | undefined,
): Targets {
  if (granted === undefined) return targetsOf(lists, client, [])
  const within = granted.filter((one) => spelled(one, client.audiences ?? []) !== undefined)
  return within.length === 0 ? REFUSED : targetsOf(lists, client, within)
}

/** The `audience` member, left out when there is none. */
export function audienceMember(audience: readonly string[] | undefined): {
  readonly audience?: readonly string[]
} {
  return audience === undefined ? {} : { audience }
}

/** The spelling of a target in a list: the same text, or one that differs only in the slash of an empty path. */
export function spelled(target: string, list: readonly string[]): string | undefined {
  if (list.includes(target)) return target
  return list.find((one) => withPath(one) === withPath(target))
}

/** RFC 3986 §6.2.3: for http URIs an empty path equals `/`. Client libraries add or drop the slash by themselves. */
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
