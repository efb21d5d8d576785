import { gunzipSync, inflateSync } from 'node:zlib'

/** Characters of one line and of all views of it together. */
const VIEWS_MAX_CHARS = 524_288
/** The deepest nesting of encodings; JSON in JSON in a query in base64 is four. */
const DEPTH_MAX = 8
/** The shortest word that is decoded as base64; a shorter one holds no real secret. */
const BASE64_MIN_CHARS = 12

/** A text that a line contains directly or in a common encoding. */
export type View = {
  readonly text: string
  /** The whole was base64, as in HTTP Basic, where its parts are a name and a secret. */
  readonly isDecoded: boolean
}
export type Views = { readonly views: readonly View[]; readonly isWhole: boolean }

/**
 * A line and its decoded readings: without backslashes, percent-encoding, quoted-printable, HTML's character
 * references, other widths of letters, hexadecimal digits, base64, gzip and zlib, as deep as they are nested. Each step
 * is one pass, and only unpacking lengthens the text. All steps together are bounded, so a hostile line costs a
 * multiple of its length. `isWhole` is false when something was left out.
 */
export function viewsOf(line: string): Views {
  const views: View[] = []
  const seen = new Set<string>()
  let waiting: View[] = [{ text: withoutInvisible(line), isDecoded: false }]
  let chars = 0
  const budget = { unpackings: UNPACKINGS_MAX }
  for (let depth = 0; waiting.length > 0; depth += 1) {
    const next: View[] = []
    for (const view of waiting) {
      if (seen.has(view.text)) continue
      chars += view.text.length
      if (depth > DEPTH_MAX || chars > VIEWS_MAX_CHARS) return { views, isWhole: false }
      seen.add(view.text)
      views.push(view)
      next.push(...readings(view.text, budget))
    }
    waiting = next
  }
  return { views, isWhole: true }
}

function* readings(text: string, budget: Budget): Generator<View, void> {
  if (text.includes('\\')) yield { text: withoutBackslashes(text), isDecoded: false }
  if (text.includes('%')) {
    const plain = withoutPercents(text)
    if (plain !== text) yield { text: plain, isDecoded: false }
  }
  for (const [sign, coded, plain] of CODES)
    if (text.includes(sign)) yield { text: text.replaceAll(coded, plain), isDecoded: false }
  if (text.includes('&')) {
    const plain = text.replaceAll(NAMED_REFERENCE, (all, name: string) => REFERENCES.get(name) ?? all)
    if (plain !== text) yield { text: plain, isDecoded: false }
  }
  if (WIDE.test(text))
    yield { text: text.replaceAll(WIDE_CHARS, (char) => char.normalize('NFKC')), isDecoded: false }
  for (const [digits] of text.matchAll(HEX_WORD)) yield* decoded(digits, 'hex', budget)
  for (const [digits] of text.matchAll(HEX_PARTED))
    yield* decoded(digits.replaceAll(/0x|[^0-9A-Fa-f]/gi, ''), 'hex', budget)
  for (const { 0: word, index } of text.matchAll(BASE64_WORD)) {
    // Part of a JWS: its claims are unproved and may name tokens of others.
    if (isDotted(text, index, index + word.length)) continue
    yield* decoded(word, 'base64', budget)
    // A slash may be a base64 character or separate the parts of a path.
    if (word.includes('/')) {
      for (const part of word.split('/'))
        if (part.length >= BASE64_MIN_CHARS) yield* decoded(part, 'base64', budget)
    }
  }
}

function isDotted(text: string, from: number, to: number): boolean {
  return (text[from - 1] === '.' && from > 1) || (text[to] === '.' && WORD_CHAR.test(text[to + 1] ?? ''))
}

/**
 * Removes NULs (of UTF-16), zero-width characters and terminal colours, which copying leaves in tokens and consoles in
 * logs.
 */
export function withoutInvisible(text: string): string {
  return text.replaceAll(INVISIBLE, '')
}

const WORD_CHAR = /[A-Za-z0-9_-]/
// Matches each of these code points by itself, not as part of a combined character.
const INVISIBLE = /\0|\p{Cf}|\u034f|[\ufe00-\ufe0f]|\u001b\[[0-?]*[ -/]*[@-~]/gu
const HEX_WORD = /(?:[0-9A-Fa-f]{2}){12,}/g

const ofCode = (code: number): string => (code <= 0x10_ff_ff ? String.fromCodePoint(code) : '')

/** The sign that makes a line worth decoding, the pattern to replace, and its replacement. */
const CODES: readonly (readonly [
  sign: string,
  coded: RegExp,
  plain: (all: string, code: string) => string,
])[] = [
  ['=', /=([0-9A-F]{2})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16))],
  ['&#', /&#([0-9]{1,7});?/g, (_, code) => ofCode(Number(code))],
  ['&#x', /&#[xX]([0-9A-Fa-f]{1,6});?/g, (_, code) => ofCode(Number.parseInt(code, 16))],
]
/** The same with separators between the bytes, as in dumps, certificates and array literals. */
const HEX_PARTED = /(?:(?:0x)?[0-9A-Fa-f]{2}[ :,;-]{1,2}){11,}(?:0x)?[0-9A-Fa-f]{2}/g

/** ASCII letters, digits and signs in another width or type face, which some keyboards and posts produce. */
const WIDE = /[\uff01-\uff5e]|[\u{1d400}-\u{1d7ff}]/u
const WIDE_CHARS = /[\uff01-\uff5e]|[\u{1d400}-\u{1d7ff}]/gu

/** HTML's names of characters that can be in a credential, or beside one. */
const NAMED_REFERENCE = /&([A-Za-z]{2,8});/g
const REFERENCES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...{ lowbar: '_', UnderBar: '_', period: '.', sol: '/', bsol: '\\', plus: '+', equals: '=', colon: ':' },
    ...{ semi: ';', comma: ',', num: '#', dollar: '$', percnt: '%', ast: '*', midast: '*', commat: '@' },
    ...{
      excl: '!',
      quest: '?',
      amp: '&',
      AMP: '&',
      lt: '<',
      LT: '<',
      gt: '>',
      GT: '>',
      quot: '"',
      QUOT: '"',
    },
    ...{ apos: "'", grave: '`', Hat: '^', vert: '|', verbar: '|', VerticalLine: '|', nbsp: ' ', Tab: '\t' },
    ...{ NewLine: '\n', lpar: '(', rpar: ')', lsqb: '[', lbrack: '[', rsqb: ']', rbrack: ']', lcub: '{' },
    ...{ lbrace: '{', rcub: '}', rbrace: '}', shy: '', hyphen: '-', dash: '-', tilde: '~' },
  }),
)
const BASE64_WORD = /[A-Za-z0-9+/_-]{12,}/g
const ESCAPE = /\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(.)|$)/gs
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: ' ', f: ' ', v: ' ' }

/** Removes one level of the escapes of JSON and most languages; other backslashes stay. */
function withoutBackslashes(text: string): string {
  return text.replaceAll(ESCAPE, (_all, unicode?: string, byte?: string, char?: string) => {
    const code = unicode ?? byte
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16))
    return char === undefined ? '' : (CONTROLS[char] ?? char)
  })
}

const PERCENTS = /(?:%[0-9A-Fa-f]{2})+/g

/** Bytes that are no such triple stay, so that one wrong percent sign hides nothing. */
function withoutPercents(text: string): string {
  return text.replaceAll(PERCENTS, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'))
}

function* decoded(word: string, encoding: 'base64' | 'hex', budget: Budget): Generator<View, void> {
  const bytes = Buffer.from(word, encoding)
  const plain = unpacked(bytes, budget) ?? bytes
  if (plain.length > 0 && isText(plain))
    yield { text: withoutInvisible(plain.toString('utf8')), isDecoded: true }
}

/** The most words of one line that are unpacked, because each may be a bomb. */
const UNPACKINGS_MAX = 16
type Budget = { unpackings: number }

/** The most bytes that one word may unpack to. A bomb goes beyond it and is treated as no text. */
const UNPACKED_MAX_BYTES = 65_536

/** Unpacks gzip or zlib. Cookies, SAML requests and event payloads are packed before they become base64. */
function unpacked(bytes: Buffer, budget: Budget): Buffer | undefined {
  const [first = 0, second = 0] = bytes
  const isGzip = first === 0x1f && second === 0x8b
  // RFC 1950 §2.2: the method, and a check of both bytes.
  const isZlib = first === 0x78 && (first * 256 + second) % 31 === 0
  if ((!isGzip && !isZlib) || budget.unpackings === 0) return undefined
  budget.unpackings -= 1
  const bounds = { maxOutputLength: UNPACKED_MAX_BYTES }
  try {
    return isGzip ? gunzipSync(bytes, bounds) : inflateSync(bytes, bounds)
  } catch {
    // It only looked packed, or it is a bomb.
  }
  return undefined
}

/** Whether all bytes are printable, or NUL as in UTF-16. Of random bytes three in eight are, so a few bytes decide. */
function isText(bytes: Uint8Array): boolean {
  for (const byte of bytes) {
    const isPrintable = byte >= 0x20 && byte !== 0x7f
    if (!isPrintable && byte !== 0 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d && byte !== 0x1b)
      return false
  }
  return true
}
