import { sextetAt } from '../bytes/sextets.ts'
import { isObject, type JsonObject, parseStrictObject } from '../bytes/strict-json.ts'
import { ecdsaTwin } from '../crypto/ecdsa-twin.ts'

/**
 * What a text is by its form alone; nothing in it is believed.
 * `signed`: a JWS (RFC 7515 §7.1), or two parts of the same kind, as some frameworks make them.
 * `encrypted`: a JWE (RFC 7516 §7.1), which nobody but its reader can look into.
 * `broken`: begins as one of them, or holds one, and is not written in the one way that it can be.
 */
export type JoseForm = 'opaque' | 'signed' | 'encrypted' | 'broken'

const SIGNED_PARTS = 3
const ENCRYPTED_PARTS = 5
/** 16 bytes. */
const TAG_CHARS_MIN = 22

/**
 * Told by structure (RFC 7519 §3): the first part decodes to a JSON object, however that is written. From there on one
 * token has one text, as far as base64url goes: padding, stray bits, foreign characters, parts too many or too few are
 * `broken`, because lenient readers take them for the same token. So is a JWS in JSON, which can be written in any
 * number of ways, one whose payload was detached, and one behind a scheme (`Bearer …`) or with percent-encoding.
 */
export function joseForm(text: string): JoseForm {
  const dot = text.indexOf('.')
  const head = dot < 0 ? undefined : joseHeaderOf(text.slice(0, dot))
  if (head === undefined) return isJsonSerialised(text) || isWrapped(text, dot) ? 'broken' : 'opaque'
  switch (canonicalParts(text)) {
    case 2:
      // With `alg` it is a JWS that has lost its signature.
      return head.alg === undefined && !text.endsWith('.') ? 'signed' : 'broken'
    case SIGNED_PARTS:
      return text[dot + 1] === '.' ? 'broken' : 'signed'
    case ENCRYPTED_PARTS:
      // No tag is shorter (RFC 7518 §5); sloppy readers compare as much of it as there is.
      return text.length - text.lastIndexOf('.') > TAG_CHARS_MIN ? 'encrypted' : 'broken'
    default:
      return 'broken'
  }
}

/** How many dotted parts of canonical base64url, empty ones among them, a text is; 0 if it is none. */
function canonicalParts(text: string): number {
  // Decoders take these for others, or for nothing; what else is foreign to base64url they leave out.
  if (text.includes('=') || text.includes('+') || text.includes('/')) return 0
  // Of characters beyond Latin-1 they take the low byte, which may be one of base64url.
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

/** As `isCanonicalBase64url`, without encoding again: every JWT comes through here. */
function isCanonicalPart(text: string, from: number, to: number): boolean {
  const chars = to - from
  const rest = chars % 4
  // Of the last character some bits belong to no byte; they are zero (RFC 4648 §3.5).
  if (rest === 1 || (rest !== 0 && (sextetAt(text, to - 1) & (rest === 2 ? 0b1111 : 0b11)) !== 0))
    return false
  return chars === 0 || Buffer.from(text.slice(from, to), 'base64url').length === Math.floor((chars * 3) / 4)
}

/** What a signed text is known by, whatever its signature looks like. */
export type SignedName =
  | { readonly kind: 'pair'; readonly issuer: string; readonly jti: string }
  | { readonly kind: 'input'; readonly input: string }

/** The issuer's own name for it (model §2.4), or what was signed where `iss` or `jti` is missing. */
export function nameOfSigned(text: string): SignedName {
  const { iss, jti } = payloadOf(text) ?? {}
  if (typeof iss === 'string' && iss !== '' && typeof jti === 'string' && jti !== '')
    return { kind: 'pair', issuer: iss, jti }
  return { kind: 'input', input: text.slice(0, text.lastIndexOf('.')) }
}

/** The same JWS with the other signature that fits, where its algorithm has two. */
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

/** One issuer's tokens mostly share their header, byte for byte. */
let last: { readonly text: string; readonly header: JsonObject | undefined } = { text: '', header: undefined }

/** The JSON object that the first part of a JWS or JWE decodes to, whatever else it says. */
function joseHeaderOf(text: string): JsonObject | undefined {
  if (text === last.text) return last.header
  // Padding would end what is decoded; every other foreign character is passed over.
  const bytes = Buffer.from(text.replaceAll('=', ''), 'base64url')
  const header = parseStrictObject(bytes) ?? (JSON_OBJECT.test(bytes.toString('utf8')) ? ODD : undefined)
  last = { text, header }
  return header
}

/** How an object begins that lenient readers take, too: with a mark in front, a member twice, bytes that are no text. */
const JSON_OBJECT = /^\s*\{\s*"[^"]*"\s*:/
const ODD: JsonObject = {}

const IN_JSON = ['signature', 'signatures', 'ciphertext'] as const

/** Members that nobody signs can be added at will, so what cannot be read in one way only may be one as well. */
function isJsonSerialised(text: string): boolean {
  if (!text.trimStart().startsWith('{')) return false
  const value = parseStrictObject(Buffer.from(text, 'utf8'))
  return isObject(value) ? IN_JSON.some((name) => name in value) : JSON_OBJECT.test(text)
}

const FOREIGN_CHAR = /[^A-Za-z0-9_-](?=[A-Za-z0-9_-]*$)/
const ENCODED = /%([0-7][0-9A-Fa-f])/g

/** Whether a lenient reader finds a JWS behind something else, or once it has decoded percents. */
function isWrapped(text: string, dot: number): boolean {
  if (text.includes('%')) {
    const plain = text.replace(ENCODED, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    const first = plain.indexOf('.')
    if (first > 0 && (joseHeaderOf(plain.slice(0, first)) ?? behind(plain.slice(0, first))) !== undefined)
      return true
  }
  return dot > 0 && behind(text.slice(0, dot)) !== undefined
}

/** The header that begins behind the last character that is none of base64url. */
function behind(head: string): JsonObject | undefined {
  const at = head.search(FOREIGN_CHAR)
  return at < 0 ? undefined : joseHeaderOf(head.slice(at + 1))
}
