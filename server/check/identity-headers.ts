import type { Bearer } from './judge.ts'

/** Characters of one header about the caller; what would be longer is left out, never cut. */
const IDENTITY_HEADER_MAX = 1_024

/**
 * Who calls, for the service behind the gateway. ASCII only: every other byte, and `%`, is percent-encoded as UTF-8, so
 * that no id can end a header or look like another one.
 */
export function identityHeaders(bearer: Bearer): Readonly<Record<string, string>> {
  const act = bearer.claims?.['act']
  const told: readonly (readonly [name: string, value: string | undefined])[] = [
    ['x-auth-source', bearer.source],
    ['x-auth-subject', bearer.subject],
    ['x-auth-client', bearer.client],
    ['x-auth-tenant', bearer.tenant],
    ['x-auth-scope', bearer.scopes.join(' ')],
    ['x-auth-jti', bearer.handle ?? bearer.foreign?.jti],
    ['x-auth-exp', String(Math.floor(bearer.expiresAtMs / 1_000))],
    ['x-auth-act', act === undefined ? undefined : JSON.stringify(act)],
  ]
  const headers: Record<string, string> = {}
  for (const [name, value] of told) {
    const text = value === undefined ? '' : asciiOf(value)
    if (text !== '' && text.length <= IDENTITY_HEADER_MAX) headers[name] = text
  }
  return headers
}

function asciiOf(text: string): string {
  let made = ''
  for (const byte of Buffer.from(text, 'utf8')) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25
    made += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return made.trim() === made ? made : made.replaceAll(' ', '%20')
}
