import { isIP } from 'node:net'
import { isInternalAddress } from './internal-address.ts'

/**
 * Whether `guardedFetch` could ever fetch this URL, judging by its text alone; names are resolved only when fetching. A
 * URL that could never be fetched should not be registered, because it would silently do nothing.
 */
export function isFetchable(text: string, allowInternal: boolean): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, hostname } = new URL(text)
  if (username !== '' || password !== '') return false
  const bare = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  const isLocal = bare === 'localhost' || bare.endsWith('.localhost')
  const isInternal = isLocal || (isIP(bare) !== 0 && isInternalAddress(bare))
  if (isInternal && !allowInternal) return false
  // Plain http is only for internal addresses, and only where those are allowed.
  const isPublic = isIP(bare) !== 0 && !isInternal
  return protocol === 'https:' || (protocol === 'http:' && allowInternal && !isPublic)
}
