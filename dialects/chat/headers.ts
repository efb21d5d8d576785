import type { WireRequest } from '../wire/request.ts'
import { type Refused, refused } from './envelope.ts'

/** A header's name, and the name that older clients use. */
export type Aliases = readonly [name: string, alias: string]

/** The vendor's JavaScript client uses underscores in these names. Node passes names in lower case. */
export const API_KEY: Aliases = ['im-api-key', 'api_key']
export const CLIENT_KEY: Aliases = ['im-client-key', 'client_key']
const AUTHORIZATION: Aliases = ['im-authorization', 'authorization']

const BEARER = /^bearer +/i
/** Credentials for a proxy in front of the site (RFC 7617, 7616, 4559), not a user's token. */
const OF_PROXY = /^(?:basic|digest|negotiate|ntlm) /i

export type HeaderText = { readonly kind: 'text'; readonly text: string | undefined }

/** The value of a header under either name. An empty one counts as absent; two different values are refused. */
export function readHeader(request: WireRequest, aliases: Aliases): HeaderText | Refused {
  return one(request.header(aliases[0]), request.header(aliases[1]))
}

/** The user's token, raw or after `Bearer `, as one generation of the vendor's pages showed it. */
export function readUserToken(request: WireRequest): HeaderText | Refused {
  const [own, legacy] = AUTHORIZATION.map((name) => request.header(name)?.replace(BEARER, ''))
  return one(own, legacy === undefined || OF_PROXY.test(legacy) ? undefined : legacy)
}

function one(own: string | undefined, alias: string | undefined): HeaderText | Refused {
  if (own !== undefined && alias !== undefined && own !== alias)
    return refused('INVALID_REQUEST', 'One header was sent under two names with different values.')
  const text = own ?? alias
  return { kind: 'text', text: text === '' ? undefined : text }
}
