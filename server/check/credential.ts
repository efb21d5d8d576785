import type { WireRequest } from '@rescind/dialects'
import type { CredentialPlace } from './profiles.ts'

/** The text that a request presents at the one place that counts; undefined when there is none, or more than one. */
export function credentialOf(request: WireRequest, place: CredentialPlace): string | undefined {
  switch (place.from) {
    case 'authorization':
      return bearerOf(request.header('authorization'))
    case 'header':
      return request.header(place.name)
    case 'cookie':
      return cookieOf(request.header('cookie'), place.name)
  }
}

function bearerOf(header: string | undefined): string | undefined {
  if (header === undefined || header.slice(0, 7).toLowerCase() !== 'bearer ') return undefined
  return header.slice(7).trimStart()
}

/** A cookie that is sent twice was planted by somebody: which of the two is meant, nobody can say. */
function cookieOf(header: string | undefined, name: string): string | undefined {
  let found: string | undefined
  for (const pair of header?.split(';') ?? []) {
    const equals = pair.indexOf('=')
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue
    if (found !== undefined) return undefined
    found = unquoted(pair.slice(equals + 1).trim())
  }
  return found
}

/** RFC 6265 §4.1.1: the quotes around a value are none of it. */
function unquoted(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
}
