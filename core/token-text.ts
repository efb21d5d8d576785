import { ContractBroken } from './faults.ts'
import type { Random } from './ports.ts'
import { RawToken } from './raw-token.ts'

/** Prefixes of everything that we mint; a scanner finds leaked text by them and by the checksum. */
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

export type Prefix = (typeof PREFIX)[keyof typeof PREFIX]

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const RANDOM_CHARS = 30
const CHECKSUM_CHARS = 6
const PREFIX_CHARS = 4
const TEXT_CHARS = PREFIX_CHARS + RANDOM_CHARS + CHECKSUM_CHARS
/** The largest multiple of 62 that fits a byte: bytes at or above it are drawn again, so that no character is favoured. */
const FAIR_BYTES = 248

const CRC_TABLE: Uint32Array = crcTable()
const PREFIXES: ReadonlySet<string> = new Set(Object.values(PREFIX))

/** New token text: prefix, 30 random base62 characters (178 bits), their CRC-32 in six base62 characters. */
export function mintText(prefix: Prefix, random: Random): RawToken {
  const body = randomBase62(random)
  const raw = RawToken.parse(prefix + body + checksum(body))
  if (raw === undefined) throw new ContractBroken('minted text is a token')
  return raw
}

export type Shape = 'ours' | 'broken' | 'foreign'

/**
 * Whether text is of our grammar: `ours` with a right checksum, `broken` with one of our prefixes but otherwise
 * wrong, `foreign` without. Garbage is told from tokens here without a look-up.
 */
export function shapeOf(text: string): Shape {
  if (!PREFIXES.has(text.slice(0, PREFIX_CHARS))) return 'foreign'
  if (text.length !== TEXT_CHARS) return 'broken'
  let crc = 0xffffffff
  for (let at = PREFIX_CHARS; at < PREFIX_CHARS + RANDOM_CHARS; at += 1) {
    const char = text.charCodeAt(at)
    if (digitOf(char) < 0) return 'broken'
    crc = crcStep(crc, char)
  }
  let value = 0
  for (let at = PREFIX_CHARS + RANDOM_CHARS; at < TEXT_CHARS; at += 1) {
    const digit = digitOf(text.charCodeAt(at))
    if (digit < 0) return 'broken'
    value = value * 62 + digit
  }
  return value === (crc ^ 0xffffffff) >>> 0 ? 'ours' : 'broken'
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
  let text = ''
  while (text.length < RANDOM_CHARS) {
    const bytes = random.bytes(RANDOM_CHARS + 6)
    for (let at = 0; at < bytes.length && text.length < RANDOM_CHARS; at += 1) {
      const byte = bytes[at] as number
      if (byte < FAIR_BYTES) text += ALPHABET.charAt(byte % 62)
    }
  }
  return text
}

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
