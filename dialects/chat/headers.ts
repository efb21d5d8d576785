import type { WireRequest } from '../wire/request.ts'
import { type Refused, refused } from './envelope.ts'

/** A header under its own name, and under the one that older clients still send. */
export type Aliases = readonly [name: string, alias: string]

/** The vendor's own JavaScript client sends the names with underscores; Node hands them on in lower case. */
export const API_KEY: Aliases = ['im-api-key', 'api_key']
export const CLIENT_KEY: Aliases = ['im-client-key', 'client_key']
const AUTHORIZATION: Aliases = ['im-authorization', 'authorization']

const BEARER = /^bearer +/i
/** What a proxy of the whole site asks for (RFC 7617, 7616, 4559): for it, and no token of a user. */
const OF_PROXY = /^(?:basic|digest|negotiate|ntlm) /i

export type HeaderText = { readonly kind: 'text'; readonly text: string | undefined }

/** One value, whatever it was called; an empty one counts as not sent. Of two that differ, none is chosen. */
export function readHeader(request: WireRequest, aliases: Aliases): HeaderText | Refused {
  return one(request.header(aliases[0]), request.header(aliases[1]))
}

/** The user's token: raw, or after `Bearer `, which one generation of the vendor's pages showed. */
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
