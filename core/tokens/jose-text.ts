import { sextetAt } from '../bytes/sextets.ts'
import { isObject, type JsonObject, parseStrictObject } from '../bytes/strict-json.ts'
import { ecdsaTwin } from '../crypto/ecdsa-twin.ts'

/**
 * What a text is by its form alone; its contents are not trusted.
 * `signed`: a JWS (RFC 7515 §7.1), or two parts of the same style, as some frameworks make them.
 * `encrypted`: a JWE (RFC 7516 §7.1), which only its reader can open.
 * `broken`: begins as one of them, or contains one, but not in its one canonical spelling.
 */
export type JoseForm = 'opaque' | 'signed' | 'encrypted' | 'broken'

const SIGNED_PARTS = 3
const ENCRYPTED_PARTS = 5
/** 16 bytes in base64url. */
const TAG_CHARS_MIN = 22

/**
 * Decides by structure (RFC 7519 §3): the first part decodes to a JSON object, however it is written. Such a token has one
 * text, as far as base64url goes. Padding, stray bits, foreign characters and a wrong number of parts are `broken`, because
 * lenient readers take them for the same token. So are a JWS in JSON, which has unlimited spellings, one with a detached
 * payload, and one behind a scheme (`Bearer …`) or with percent-encoding.
 */
export function joseForm(text: string): JoseForm {
  const dot = text.indexOf('.')
  const head = dot < 0 ? undefined : joseHeaderOf(text.slice(0, dot))
  if (head === undefined) return isJsonSerialised(text) || isWrapped(text, dot) ? 'broken' : 'opaque'
  switch (canonicalParts(text)) {
    case 2:
      // With `alg` it is a JWS that lost its signature.
      return head.alg === undefined && !text.endsWith('.') ? 'signed' : 'broken'
    case SIGNED_PARTS:
      return text[dot + 1] === '.' ? 'broken' : 'signed'
    case ENCRYPTED_PARTS:
      // No tag is shorter (RFC 7518 §5); lenient readers compare only as much of it as there is.
      return text.length - text.lastIndexOf('.') > TAG_CHARS_MIN ? 'encrypted' : 'broken'
    default:
      return 'broken'
  }
}

/** How many dotted parts of canonical base64url, empty ones included, make up the text; 0 if any part is not canonical. */
function canonicalParts(text: string): number {
  // Decoders read `+` and `/` as other characters and stop at `=`; they skip the rest that is foreign to base64url.
  if (text.includes('=') || text.includes('+') || text.includes('/')) return 0
  // Decoders take the low byte of characters beyond Latin-1, which may be a base64url character.
  if (Buffer.byteLength(text, 'utf8') !== text.length) return 0
  let parts = 0
  for (let from = 0; from <= text.length; parts += 1) {
    const dot = text.indexOf('.', from)
    const to = dot < 0 ? text.length : dot
    if (!isCanonicalPart(text, from, to)) return 0
    from = to + 1
  }
  return parts
}

/** As `isCanonicalBase64url`, but without encoding again, because every JWT is checked here. */
function isCanonicalPart(text: string, from: number, to: number): boolean {
  const chars = to - from
  const rest = chars % 4
  // The unused bits of the last character must be zero (RFC 4648 §3.5).
  if (rest === 1 || (rest !== 0 && (sextetAt(text, to - 1) & (rest === 2 ? 0b1111 : 0b11)) !== 0))
    return false
  return chars === 0 || Buffer.from(text.slice(from, to), 'base64url').length === Math.floor((chars * 3) / 4)
}

/** The identity of a signed text, independent of its signature. */
export type SignedName =
  | { readonly kind: 'pair'; readonly issuer: string; readonly jti: string }
  | { readonly kind: 'input'; readonly input: string }

/** The issuer's own name for it (model §2.4), or the signing input if `iss` or `jti` is missing. */
export function nameOfSigned(text: string): SignedName {
  const { iss, jti } = payloadOf(text) ?? {}
  if (typeof iss === 'string' && iss !== '' && typeof jti === 'string' && jti !== '')
    return { kind: 'pair', issuer: iss, jti }
  return { kind: 'input', input: text.slice(0, text.lastIndexOf('.')) }
}

/** The same JWS with the other valid signature, if its algorithm has two. */
export function twinOfSigned(text: string): string | undefined {
  const at = text.lastIndexOf('.')
  const algorithm = joseHeaderOf(text.slice(0, text.indexOf('.')))?.alg
  if (typeof algorithm !== 'string') return undefined
  const twin = ecdsaTwin(algorithm, Buffer.from(text.slice(at + 1), 'base64url'))
  return twin === undefined ? undefined : `${text.slice(0, at)}.${twin.toString('base64url')}`
}

/** The payload of a signed text, if it is a JSON object that can be read in one way only. */
export function payloadOf(text: string): JsonObject | undefined {
  const parts = text.split('.', SIGNED_PARTS + 1)
  if (parts.length !== SIGNED_PARTS) return undefined
  return parseStrictObject(Buffer.from(parts[1] ?? '', 'base64url'))
}

/** A cache of one: tokens of one issuer mostly share their header, byte for byte. */
let last: { readonly text: string; readonly header: JsonObject | undefined } = { text: '', header: undefined }

/** The JSON object in the first part of a JWS or JWE. */
function joseHeaderOf(text: string): JsonObject | undefined {
  if (text === last.text) return last.header
  // Padding would end decoding; decoders skip every other foreign character.
  const bytes = Buffer.from(text.replaceAll('=', ''), 'base64url')
  const header = parseStrictObject(bytes) ?? (JSON_OBJECT.test(bytes.toString('utf8')) ? ODD : undefined)
  last = { text, header }
  return header
}

/** The start of an object that lenient readers accept, even with a mark in front, a repeated member, or invalid UTF-8. */
const JSON_OBJECT = /^\s*\{\s*"[^"]*"\s*:/
const ODD: JsonObject = {}

const IN_JSON = ['signature', 'signatures', 'ciphertext'] as const

/** Unsigned members can be added at will, so an object that can be read in more than one way counts too. */
function isJsonSerialised(text: string): boolean {
  if (!text.trimStart().startsWith('{')) return false
  const value = parseStrictObject(Buffer.from(text, 'utf8'))
  return isObject(value) ? IN_JSON.some((name) => name in value) : JSON_OBJECT.test(text)
}

const FOREIGN_CHAR = /[^A-Za-z0-9_-](?=[A-Za-z0-9_-]*$)/
const ENCODED = /%([0-7][0-9A-Fa-f])/g

/** Whether a lenient reader finds a JWS behind a prefix, or after percent-decoding. */
function isWrapped(text: string, dot: number): boolean {
  if (text.includes('%')) {
    const plain = text.replace(ENCODED, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    const first = plain.indexOf('.')
    if (first > 0 && (joseHeaderOf(plain.slice(0, first)) ?? behind(plain.slice(0, first))) !== undefined)
      return true
  }
  return dot > 0 && behind(text.slice(0, dot)) !== undefined
}

/** The header that begins after the last character foreign to base64url. */
function behind(head: string): JsonObject | undefined {
  const at = head.search(FOREIGN_CHAR)
  return at < 0 ? undefined : joseHeaderOf(head.slice(at + 1))
}
