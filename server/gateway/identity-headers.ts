import { IDENTITY_HEADERS } from '../records/header-names.ts'
import type { Bearer } from './judge.ts'

type Identity = Readonly<Record<(typeof IDENTITY_HEADERS)[number], string>>

/** Characters of one header about the caller; a longer value is sent empty, never cut. */
export const IDENTITY_HEADER_MAX = 1_024

/** The headers of an answer without an identity. */
export const NOBODY = Object.fromEntries(IDENTITY_HEADERS.map((name) => [name, ''])) as Identity

/**
 * Tells the service behind the gateway who calls. ASCII only: every other byte, and `%`, is percent-encoded as UTF-8,
 * so that no id can end a header or look like another id.
 */
export function identityHeaders(bearer: Bearer): Identity {
  return {
    'x-auth-source': told(bearer.source),
    'x-auth-subject': told(bearer.subject),
    'x-auth-client': told(bearer.client),
    'x-auth-tenant': told(bearer.tenant),
    'x-auth-scope': told(bearer.scopes.join(' ')),
    'x-auth-jti': told(bearer.handle ?? bearer.foreign?.jti),
    'x-auth-exp': String(Math.floor(bearer.expiresAtMs / 1_000)),
    'x-auth-act': actOf(actorOf(bearer)),
  }
}

function told(value: string | undefined): string {
  if (value === undefined || value === '') return ''
  const text = asciiOf(value)
  return text.length <= IDENTITY_HEADER_MAX ? text : ''
}

/** RFC 8693 §4.1; an Identity token that impersonates names its actor by id alone. */
function actorOf({ source, claims }: Bearer): unknown {
  const impersonator = source === 'identity' ? claims?.['impersonator'] : undefined
  return claims?.['act'] ?? (impersonator === undefined ? undefined : { sub: impersonator })
}

/**
 * An empty value would mean that no actor acts for the subject. So a chain that is too long is cut to the current actor,
 * because earlier ones decide nothing (RFC 8693 §4.1), and if that is too long as well, to an actor without a name.
 */
function actOf(act: unknown): string {
  if (act === undefined) return ''
  if (typeof act !== 'object' || act === null) return UNNAMED
  const { act: _before, ...current } = act as Readonly<Record<string, unknown>>
  return told(JSON.stringify(act)) || told(JSON.stringify(current)) || UNNAMED
}

const UNNAMED = '{}'

/** Text in which no byte has to be encoded, as nearly every id is. */
const PLAIN = /^[\x20-\x24\x26-\x7e]*$/

function asciiOf(text: string): string {
  const made = PLAIN.test(text) ? text : percentEncoded(text)
  return made.trim() === made ? made : made.replaceAll(' ', '%20')
}

function percentEncoded(text: string): string {
  let made = ''
  for (const byte of Buffer.from(text, 'utf8')) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25
    made += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return made
}
