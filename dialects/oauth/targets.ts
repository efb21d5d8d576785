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
 * the client may have and within what the token has that they come of. Nothing named: all of that. Along a line of
 * tokens an audience only shrinks: what comes of a token for nobody in particular is for nobody in particular, whatever
 * the client may have by now.
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

/** The same for the next tokens of a grant: within what it was given, as far as the client may have it still. */
export function targetsInGrant(
  lists: Lists,
  client: OauthClient,
  granted: readonly string[] | undefined,
): Targets {
  if (granted === undefined) return targetsOf(lists, client, [])
  const within = granted.filter((one) => spelled(one, client.audiences ?? []) !== undefined)
  return within.length === 0 ? REFUSED : targetsOf(lists, client, within)
}

/** An audience as a member that is left out when there is none. */
export function audienceMember(audience: readonly string[] | undefined): {
  readonly audience?: readonly string[]
} {
  return audience === undefined ? {} : { audience }
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
