import { isIP } from 'node:net'
import { isInternalAddress } from './internal-address.ts'

/**
 * Whether `guardedFetch` could ever ask this URL, as far as the URL itself tells: what a name leads to is seen when it is
 * asked. Registering another one would be believed, and nothing would come of it.
 */
export function isFetchable(text: string, allowInternal: boolean): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, hostname } = new URL(text)
  if (username !== '' || password !== '') return false
  const bare = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  const isLocal = bare === 'localhost' || bare.endsWith('.localhost')
  const isInternal = isLocal || (isIP(bare) !== 0 && isInternalAddress(bare))
  if (isInternal && !allowInternal) return false
  // Plain http is for this machine alone, and then only where fetching from inside is allowed.
  const isPublic = isIP(bare) !== 0 && !isInternal
  return protocol === 'https:' || (protocol === 'http:' && allowInternal && !isPublic)
}
