const MASK = '***'
const MASKED = /[?#]\*\*\*$|^[^/]*\/\/\*\*\*@|\/\*\*\*(?:[/?#]|$)/

/** Segments of a path that say where a key set or an endpoint is: a short plain word, a version, and what is agreed upon. */
const PLAIN = /^(?:[a-z]{0,10}|v\d{1,2}(?:\.\d{1,2})?|[a-z0-9]{1,3})$/
const AGREED: ReadonlySet<string> = new Set([
  '.well-known',
  'connect.json',
  'jwks.json',
  'jwks_uri',
  'keys.json',
  'oauth2',
  'openid-configuration',
  'openid-connect',
  'certificates',
])

/**
 * A URL as it may be shown. What fetches from elsewhere may have to bear a secret: in the query, in the user part (which
 * new records cannot have), or in the path, of which only what cannot be one is shown.
 */
export function maskedUrl(url: string): string {
  const at = url.search(/[?#]/)
  const [bare, rest] = at < 0 ? [url, ''] : [url.slice(0, at), `${url[at]}${MASK}`]
  const [, start = '', path = ''] = /^([a-z][a-z0-9+.-]*:\/\/[^/]*)?(.*)$/is.exec(bare) ?? []
  return `${start.replace(/^([^/]*\/\/)[^@]*@/, `$1${MASK}@`)}${path.split('/').map(masked).join('/')}${rest}`
}

function masked(segment: string): string {
  return PLAIN.test(segment) || AGREED.has(segment) ? segment : MASK
}

/**
 * The URL that a client means. One that reads a record, edits it and sends it back sends the masked URL and means the
 * stored one. @returns undefined for a masked URL that is not the mask of the stored one.
 */
export function meantUrl(given: string, stored: string | undefined): string | undefined {
  if (stored !== undefined && given === maskedUrl(stored)) return stored
  return MASKED.test(given) ? undefined : given
}
