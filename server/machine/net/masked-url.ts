const MASK = '***'
const MASKED = /[?#]\*\*\*$|^[^/]*\/\/\*\*\*@|\/\*\*\*(?:[/?#]|$)/

/** Path segments that cannot be a secret: a short plain word, a version, or one of the agreed names. */
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
 * A URL in the form that may be shown. A URL to fetch from may hold a secret in its query, in its user part (which new
 * records cannot have) or in its path, so only path segments that cannot be secret are shown.
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
 * The URL that a client means. A client that reads a record, edits it and sends it back sends the masked URL, but means
 * the stored one. @returns undefined for a masked URL that is not the mask of the stored one.
 */
export function meantUrl(given: string, stored: string | undefined): string | undefined {
  if (stored !== undefined && given === maskedUrl(stored)) return stored
  return MASKED.test(given) ? undefined : given
}
