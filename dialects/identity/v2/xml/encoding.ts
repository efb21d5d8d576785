import { unreachable } from '@rescind/core'
import { decodeUtf8 } from '../../../wire/text.ts'

/** The encodings that XML processors must support (XML 1.0 §4.3.3), and ASCII, which many senders declare. */
type Encoding = 'utf-8' | 'us-ascii' | 'utf-16le' | 'utf-16be'

/** Names of encodings in `charset` and XML declarations. `utf-16` takes its byte order from the mark. */
const NAMES: ReadonlyMap<string, readonly Encoding[]> = new Map<string, readonly Encoding[]>([
  ['utf-8', ['utf-8']],
  ['utf8', ['utf-8']],
  ['us-ascii', ['us-ascii']],
  ['ascii', ['us-ascii']],
  ['utf-16', ['utf-16le', 'utf-16be']],
  ['utf-16le', ['utf-16le']],
  ['utf-16be', ['utf-16be']],
])

/** Whether XML may come with this `charset`. */
export function isXmlCharset(charset: string | undefined): boolean {
  return charset === undefined || NAMES.has(charset)
}

export type Decoded = {
  readonly text: string
  /** Whether the document may declare this encoding: only the one that it has (XML 1.0 §4.3.3). */
  readonly mayDeclare: (name: string) => boolean
}

/**
 * Decodes an XML body. A byte order mark decides the encoding, else the Content-Type (RFC 7303 §3.2), else it is UTF-8.
 * UTF-16 needs one of the two. A mark that contradicts the Content-Type is refused, because two readers could read two
 * documents.
 * @returns undefined for bytes that do not match their encoding.
 */
export function decodeXml(bytes: Uint8Array, charset: string | undefined): Decoded | undefined {
  const mark = markOf(bytes)
  const named = charset === undefined ? undefined : NAMES.get(charset)
  if (mark !== undefined && named !== undefined && !isOneOf(named, mark.encoding)) return undefined
  // `charset=utf-16` requires a mark (RFC 2781 §4.3); without one the byte order would be a guess.
  if (mark === undefined && named !== undefined && named.length > 1) return undefined
  const encoding = mark?.encoding ?? named?.[0] ?? 'utf-8'
  const text = decoded(mark === undefined ? bytes : bytes.subarray(mark.length), encoding)
  // A second mark would be a character before the document, which XML forbids.
  if (text === undefined || text.startsWith('\ufeff')) return undefined
  return { text, mayDeclare: (name) => isDeclarable(name.toLowerCase(), { encoding, text }) }
}

type Mark = { readonly encoding: Encoding; readonly length: number }

function markOf([first, second, third]: Uint8Array): Mark | undefined {
  if (first === 0xef && second === 0xbb && third === 0xbf) return { encoding: 'utf-8', length: 3 }
  if (first === 0xfe && second === 0xff) return { encoding: 'utf-16be', length: 2 }
  // UTF-32 begins with the same bytes; its NULs make it invalid XML later.
  if (first === 0xff && second === 0xfe) return { encoding: 'utf-16le', length: 2 }
  return undefined
}

/** ASCII is a subset of UTF-8, so a UTF-8 mark does not contradict it. */
function isOneOf(named: readonly Encoding[], encoding: Encoding): boolean {
  return named.includes(encoding) || (encoding === 'utf-8' && named.includes('us-ascii'))
}

function decoded(bytes: Uint8Array, encoding: Encoding): string | undefined {
  switch (encoding) {
    case 'utf-8':
      return decodeUtf8(bytes)
    case 'us-ascii':
      return isAscii(bytes) ? decodeUtf8(bytes) : undefined
    case 'utf-16le':
      return decodeUtf16(Buffer.from(bytes))
    case 'utf-16be':
      return bytes.length % 2 === 0 ? decodeUtf16(Buffer.from(bytes).swap16()) : undefined
    default:
      return unreachable(encoding)
  }
}

function decodeUtf16(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf16le')
  return bytes.length % 2 === 0 && text.isWellFormed() ? text : undefined
}

type Read = { readonly encoding: Encoding; readonly text: string }

function isDeclarable(name: string, { encoding, text }: Read): boolean {
  const declared = NAMES.get(name)
  if (declared === undefined) return false
  if (declared.includes(encoding)) return true
  if (encoding === 'us-ascii') return declared.includes('utf-8')
  return encoding === 'utf-8' && declared.includes('us-ascii') && isAscii(Buffer.from(text, 'utf8'))
}

function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80)
}
