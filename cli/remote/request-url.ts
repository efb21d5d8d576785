import { WrongUse } from '../frame/failure.ts'
import { COUNTS_AS_SEEN, hasTokenForm } from '../frame/token-text.ts'

/** Members of a query that a person gives. */
const GIVEN: ReadonlySet<string> = new Set([
  ...['subject', 'client', 'tenant', 'grant', 'session', 'handle', 'issuer', 'jti', 'by', 'reason', 'note'],
])

/**
 * The URL of a call. Addresses get into logs of servers and proxies, so no token may stand in one.
 * @param base of the control API. @param path below it, of encoded segments.
 * @throws WrongUse for an id that is empty, that a URL would leave out (`.`, `..`), or that has the form of a token.
 */
export function requestUrl(
  base: string,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
): URL {
  const ids = path.slice(1).split('/').map(decodeURIComponent)
  if (ids.some((id) => ['', '.', '..'].includes(id)))
    throw new WrongUse('an id is empty, or of dots alone', 'give the id as the lists show it')
  const texts = Object.entries(query).filter(([name]) => GIVEN.has(name))
  if ([...ids, ...texts.map(([, text]) => text ?? '')].some(hasTokenForm))
    throw new WrongUse('this has the form of a token; give it by - (rescind lookup -)', COUNTS_AS_SEEN)
  const url = new URL(`${base}${path}`)
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, value)
  return url
}
