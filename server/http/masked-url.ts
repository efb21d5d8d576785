const MASK = '***'
const MASKED = /[?#]\*\*\*$|^[^/]*\/\/\*\*\*@/

/**
 * A URL as it may be shown. What fetches from elsewhere may have to bear a secret, and the query is where it stands
 * (or the user part, which new records cannot have).
 */
export function maskedUrl(url: string): string {
  const at = url.search(/[?#]/)
  const plain = at < 0 ? url : `${url.slice(0, at)}${url[at]}${MASK}`
  return plain.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#@]*@/i, `$1${MASK}@`)
}

/**
 * What a given URL stands for: a client that reads a record, changes it and sends it back sends what it was shown, and
 * means what is stored. @returns undefined for a masked URL of something else, which nobody can mean.
 */
export function meantUrl(given: string, stored: string | undefined): string | undefined {
  if (stored !== undefined && given === maskedUrl(stored)) return stored
  return MASKED.test(given) ? undefined : given
}
