import { ContractBroken, type Random } from '@rescind/core'
import { RawToken } from '@rescind/core/tokens'

/** Prefixes of everything that we mint; scanners find leaked text by them and by the checksum. */
export const PREFIX = {
  access: 'rsa_',
  refresh: 'rsr_',
  code: 'rso_',
  identity: 'rsi_',
  clientSecret: 'rsk_',
  controlKey: 'rsc_',
  verifierKey: 'rsv_',
  consoleSession: 'rss_',
} as const

/** What text with each prefix is, for the manual. */
export const PREFIX_WHAT: Readonly<Record<keyof typeof PREFIX, string>> = {
  access: 'an opaque OAuth access token',
  refresh: 'an OAuth refresh token',
  code: 'an OAuth authorization code, or the token by which an Identity user sets a new password',
  identity: 'an Identity token',
  clientSecret: 'the secret of an OAuth client or of an Identity application credential',
  controlKey: 'a control key',
  verifierKey: 'the key of a verifier',
  consoleSession: 'a session of the console, which is to come',
}

/** The kinds for which a realm may choose its own prefix. */
export type PrefixKind = 'access' | 'refresh' | 'code' | 'identity' | 'clientSecret'
export type Prefixes = Readonly<Record<PrefixKind, string>>

const PREFIX_MAX_CHARS = 24

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const RANDOM_CHARS = 30
const CHECKSUM_CHARS = 6
const BODY_CHARS = RANDOM_CHARS + CHECKSUM_CHARS
/** The largest multiple of 62 below 256: bytes from it on are drawn again, so that no character is favoured. */
const FAIR_BYTES = 248

const CRC_TABLE: Uint32Array = crcTable()

/** New token text: prefix, 30 random base62 characters (178 bits), their CRC-32 in six base62 characters. */
export function mintText(prefix: string, random: Random): RawToken {
  const body = randomBase62(random)
  const raw = RawToken.parse(prefix + body + checksum(body))
  if (raw === undefined) throw new ContractBroken('minted text is a token')
  return raw
}

export type PrefixesInUse = {
  /** The realm's own prefixes, which replace the usual ones. */
  readonly own?: Partial<Prefixes>
  /** Earlier prefixes: text with them is still out there. */
  readonly former?: readonly string[]
  /** Prefixes of the dialects, the same in every realm. */
  readonly minted?: readonly string[]
}

export type Shape = 'ours' | 'broken' | 'foreign'

/** The prefixes of a realm's tokens, present and former. */
export class TokenGrammar {
  readonly prefixes: Prefixes
  readonly #known: ReadonlySet<string>

  /** Every prefix that this realm's tokens can have. */
  get known(): readonly string[] {
    return [...this.#known]
  }

  constructor({ own = {}, former = [], minted = [] }: PrefixesInUse = {}) {
    const { access, refresh, code, identity, clientSecret } = PREFIX
    this.prefixes = { access, refresh, code, identity, clientSecret, ...own }
    this.#known = new Set([...Object.values(PREFIX), ...Object.values(this.prefixes), ...former, ...minted])
  }

  /**
   * Classifies text: `ours` has one of our prefixes and a right checksum, `broken` has the prefix but is otherwise wrong,
   * `foreign` has none. This recognises garbage without a look-up.
   */
  shapeOf(text: string): Shape {
    const prefixChars = text.length - BODY_CHARS
    if (prefixChars > 0 && prefixChars <= PREFIX_MAX_CHARS && this.#known.has(text.slice(0, prefixChars)))
      return hasChecksum(text, prefixChars) ? 'ours' : 'broken'
    for (const prefix of this.#known) if (text.startsWith(prefix)) return 'broken'
    return 'foreign'
  }
}

const DEFAULT_GRAMMAR = new TokenGrammar()

/** The shape by the usual prefixes, which every realm has. */
export function shapeOf(text: string): Shape {
  return DEFAULT_GRAMMAR.shapeOf(text)
}

/** Letters and digits in groups, each ended by an underscore, so that a double click selects all of it. */
const PREFIX_FORM = /^[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*_$/

/**
 * Why these prefixes cannot be a realm's own, given all others in use. @returns undefined if they can. No prefix may begin
 * with another one.
 */
export function prefixProblem(own: Partial<Prefixes>, former: readonly string[] = []): string | undefined {
  const { prefixes } = new TokenGrammar({ own })
  const malformed = form(Object.values(own))
  if (malformed !== undefined) return malformed
  const all = Object.values(prefixes)
  if (new Set(all).size !== all.length) return 'two kinds of token cannot share a prefix'
  return clash([...Object.values<string>(PREFIX), ...all, ...former])
}

/** Why dialects cannot add these prefixes to those of every realm. @returns undefined if they can. */
export function mintedPrefixProblem(minted: readonly string[]): string | undefined {
  if (new Set(minted).size !== minted.length) return 'two dialects cannot share a prefix'
  return form(minted) ?? clash([...Object.values(PREFIX), ...minted])
}

function form(prefixes: readonly string[]): string | undefined {
  return prefixes.every((one) => PREFIX_FORM.test(one) && one.length <= PREFIX_MAX_CHARS)
    ? undefined
    : 'a prefix starts with a letter, has only letters, digits and single underscores, ends with an underscore, ' +
        `and has at most ${PREFIX_MAX_CHARS} characters`
}

function clash(prefixes: readonly string[]): string | undefined {
  const known = [...new Set(prefixes)]
  const isClash = known.some((one) => known.some((other) => one !== other && other.startsWith(one)))
  return isClash ? 'no prefix may begin with another one' : undefined
}

function hasChecksum(text: string, prefixChars: number): boolean {
  let crc = 0xffffffff
  for (let at = prefixChars; at < prefixChars + RANDOM_CHARS; at += 1) {
    const char = text.charCodeAt(at)
    if (digitOf(char) < 0) return false
    crc = crcStep(crc, char)
  }
  let value = 0
  for (let at = prefixChars + RANDOM_CHARS; at < text.length; at += 1) {
    const digit = digitOf(text.charCodeAt(at))
    if (digit < 0) return false
    value = value * 62 + digit
  }
  return value === (crc ^ 0xffffffff) >>> 0
}

/** CRC-32 (IEEE) of the random part, as GitHub's scanners compute it: six base62 digits, padded with `0`. */
export function checksum(body: string): string {
  let crc = 0xffffffff
  for (let at = 0; at < body.length; at += 1) crc = crcStep(crc, body.charCodeAt(at))
  let rest = (crc ^ 0xffffffff) >>> 0
  let text = ''
  for (let digit = 0; digit < CHECKSUM_CHARS; digit += 1) {
    text = ALPHABET.charAt(rest % 62) + text
    rest = Math.floor(rest / 62)
  }
  return text
}

function randomBase62(random: Random): string {
  let chars = 0
  while (chars < RANDOM_CHARS) {
    const bytes = random.bytes(RANDOM_CHARS + 6)
    for (let at = 0; at < bytes.length && chars < RANDOM_CHARS; at += 1) {
      const byte = bytes[at] as number
      if (byte >= FAIR_BYTES) continue
      DRAWN[chars] = ALPHABET.charCodeAt(byte % 62)
      chars += 1
    }
  }
  const text = DRAWN.toString('latin1')
  DRAWN.fill(0)
  return text
}

/** A shared buffer for the characters: appending them one by one would leave thirty strings behind. */
const DRAWN = Buffer.alloc(RANDOM_CHARS)

function crcStep(crc: number, char: number): number {
  return ((CRC_TABLE[(crc ^ char) & 0xff] as number) ^ (crc >>> 8)) >>> 0
}

function digitOf(char: number): number {
  if (char >= 48 && char <= 57) return char - 48
  if (char >= 65 && char <= 90) return char - 55
  if (char >= 97 && char <= 122) return char - 61
  return -1
}

function crcTable(): Uint32Array {
  const table = new Uint32Array(256)
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
    table[byte] = crc >>> 0
  }
  return table
}
